"""Mutations of `.keras` archives: members, the configuration, the weights in them."""

import io
import json
import warnings
import zipfile
from random import Random

from tests.fuzz import hdf5, raw, values

Members = list[tuple[zipfile.ZipInfo, bytes]]


def mutate(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Return the archive with one part of it changed, sometimes more."""
    if rng.random() < 0.1:
        return raw.mutate(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    for _ in range(rng.choice((1, 1, 1, 2))):
        kind = rng.random()
        if kind < 0.65:
            _configuration(members, rng, baits)
        elif kind < 0.85:
            _weights(members, rng, baits)
        else:
            _members(members, rng)
    return _written(members, rng)


def _configuration(members: Members, rng: Random, baits: tuple[str, ...]) -> None:
    wanted = "metadata.json" if rng.random() < 0.05 else "config.json"
    for index, (info, content) in enumerate(members):
        if info.filename == wanted:
            hostile = values.HOSTILE + values.KERAS * 3 + baits
            try:
                changed = values.text(values.mutate(json.loads(content), rng, hostile)).encode()
            except ValueError:  # changed before, and no JSON any more
                return
            members[index] = info, raw.mutate(changed, rng) if rng.random() < 0.1 else changed


def _weights(members: Members, rng: Random, baits: tuple[str, ...]) -> None:
    for index, (info, content) in enumerate(members):
        if info.filename.endswith(".h5") and content.startswith(b"\x89HDF"):
            try:
                members[index] = info, hdf5.mutate(content, rng, baits)
            except OSError:  # changed before, and no HDF5 any more
                return


def _members(members: Members, rng: Random) -> None:
    """Change what the archive says of a member: its name, kind, compression, place."""
    info, content = rng.choice(members)
    names = ("config.json", "metadata.json", "model.weights.h5", "assets/x", "../x", "/x", "x/", "")
    kind = rng.randrange(6)
    if kind == 0:
        members.append((zipfile.ZipInfo(rng.choice(names)), content))
    elif kind == 1:
        members.remove((info, content))
    elif kind == 2:
        info.filename = rng.choice((*names, "a\u202eb", "x" * 3000))
    elif kind == 3:
        info.compress_type = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    elif kind == 4:
        info.external_attr = rng.choice((0o120777, 0o040755, 0o010644)) << 16
    else:
        info.extra, info.comment = rng.randbytes(rng.choice((0, 4, 40))), b"x" * 400
    rng.shuffle(members)


def _written(members: Members, rng: Random) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # of two members of one name
        for info, content in members:
            archive.writestr(info, content, info.compress_type)
    return raw.mutate(buffer.getvalue(), rng) if rng.random() < 0.05 else buffer.getvalue()

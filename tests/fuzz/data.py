"""Mutations of data: one file of those that images are in, or an array within an archive."""

import io
import shutil
import zipfile
from pathlib import Path
from random import Random

from tests.fuzz import raw


def tree(seed: Path, target: Path, rng: Random, baits: tuple[str, ...]) -> None:
    """Copy a folder and change one of its files: bytes, its name, or into a link elsewhere."""
    shutil.copytree(seed, target)
    file = rng.choice(sorted(path for path in target.rglob("*") if path.is_file()))
    change = rng.randrange(12)
    if change < 9:
        file.write_bytes(_changed(file.read_bytes(), rng, baits))
    elif change == 9:
        file.rename(file.with_name(rng.choice(("x", "metadata.jsonl", "a\u202eb\n", "\x1b[2J"))))
    else:
        file.unlink()
        file.symlink_to(rng.choice((baits[0], file.name, "..", "/dev/zero")))


def npz(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Change one array within an archive, or the archive's own bytes."""
    if rng.random() < 0.2:
        return raw.mutate(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(members))
    members[name] = raw.mutate(members[name], rng)
    if rng.random() < 0.2:
        members[rng.choice(("x_test.npy", "y_train.npy", "images.npy", "a\u202e"))] = members[name]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((0, 8))) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return file.getvalue()


def parquet(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Change bytes, most often those of the footer, which says where everything is."""
    length = int.from_bytes(data[-8:-4], "little")
    if rng.random() < 0.4 or not 0 < length < len(data) - 12:
        return raw.mutate(data, rng)
    start = len(data) - 8 - length
    footer = raw.mutate(data[start:-8], rng)
    return data[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _changed(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Change bytes; of a text also a cell, into a path elsewhere or a strange label."""
    cells = data.replace(b"\n", b",").split(b",")
    if rng.random() < 0.6 and len(cells) > 3 and data.isascii():
        strange = (*baits, "../x", "/", "", "1e9", "-1", "9" * 40, "\x1b[2J", '"', "a,b", "\0")
        return data.replace(rng.choice(cells), rng.choice(strange).encode(), rng.choice((1, -1)))
    return raw.mutate(data, rng)

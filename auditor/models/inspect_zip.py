"""Read a `.keras` archive with every member accounted for."""

import json
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from auditor.errors import InputError
from auditor.models.inspect_hdf5 import MAX_WEIGHT_BYTES, Contents, measure_weights
from auditor.text import printable

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

_MAX_BYTES = {CONFIG: 64 * 2**20, METADATA: 2**20, WEIGHTS: MAX_WEIGHT_BYTES}
# Keras stores members uncompressed; deflate on real weights reaches about 1.1, on JSON about 50.
_MAX_EXPANSION = 200
_CHUNK = 2**20


def read_keras_zip(path: Path, shown: str) -> Contents:
    """Check the archive and its weights, and return the architecture as the file has it.

    Args:
        path: the archive; its weights are unpacked into its folder for a moment.
        shown: the file's name for messages, already printable.

    Raises:
        InputError: for a damaged archive, an unexpected, repeated or oversized member, bad weights.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, shown)
            architecture = archive.read(CONFIG)
            version = _keras_version(archive.read(METADATA), shown)
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".h5") as weights:
                with archive.open(WEIGHTS) as member:
                    _copy(member, weights, archive.getinfo(WEIGHTS).file_size)
                stored = measure_weights(Path(weights.name), f"{shown}: {WEIGHTS}")
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        reason = printable(str(error).split("\n")[0])
        raise InputError(f"{shown}: the archive is damaged ({reason}); copy it again") from None
    return Contents(architecture, version, stored)


def _check_members(archive: zipfile.ZipFile, shown: str) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    for member in members:
        where = f"{shown}: member {printable(ascii(member.filename)[:80])}"
        if names.count(member.filename) > 1:
            raise InputError(f"{where} occurs more than once; Keras writes each member once")
        if member.filename not in _MAX_BYTES:
            raise InputError(
                f"{where} does not belong in an image classifier's archive "
                f"({CONFIG}, {METADATA} and {WEIGHTS} do); save the model again without assets"
            )
        if member.flag_bits & 0x1:
            raise InputError(f"{where} is encrypted; save the model again without encryption")
        if member.file_size > _MAX_BYTES[member.filename]:
            limit = _MAX_BYTES[member.filename]
            raise InputError(f"{where} has {member.file_size} bytes; at most {limit} are allowed")
        if member.file_size > _MAX_EXPANSION * max(member.compress_size, 1024):
            raise InputError(f"{where} expands more than {_MAX_EXPANSION} times when unpacked")
    for missing in _MAX_BYTES.keys() - set(names):
        raise InputError(f"{shown}: the archive has no {missing}; save the whole model again")


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    """Copy to the end, where zipfile compares the checksum; never more than the declared size."""
    while chunk := source.read(_CHUNK):
        size -= len(chunk)
        if size < 0:
            raise zipfile.BadZipFile("a member is longer than it says")
        target.write(chunk)
    target.flush()


def _keras_version(metadata: bytes, shown: str) -> str | None:
    try:
        version = json.loads(metadata)["keras_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{shown}: {METADATA} is not what Keras writes; save it again") from None
    if not isinstance(version, str):
        return None
    if version.startswith("2."):
        raise InputError(
            f"{shown}: a .keras archive of Keras {printable(version[:20])}, which Keras 3 cannot "
            "read; save the model as .h5 with Keras 2 or export it to ONNX"
        )
    return version

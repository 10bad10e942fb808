"""Read a `.keras` archive with every member accounted for."""

import json
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from auditor.errors import InputError
from auditor.files.hdf5.nodes import MAGIC as HDF5_MAGIC
from auditor.files.window import FileWindow
from auditor.models.inspect.hdf5 import MAX_WEIGHT_BYTES, Contents, measure_weights
from auditor.models.inspect.inspection import Findings
from auditor.models.inspect.keras_calls import quoted
from auditor.models.inspect.zip_archive import open_archive
from auditor.text import printable

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

_MAX_BYTES = {CONFIG: 64 * 2**20, METADATA: 2**20, WEIGHTS: MAX_WEIGHT_BYTES}
_CHUNK = 2**20
_LOCAL_HEADER = 30


def read_keras_zip(path: Path, shown: str, findings: Findings) -> Contents:
    """Check the archive and its weights, and return the architecture as the file has it.

    Args:
        path: The archive; nothing is unpacked.
        shown: The file's name for messages, already printable.
        findings: Told of unexpected, repeated, compressed or oversized members, and of the weights.

    Raises:
        InputError: The archive is damaged, or a member is missing.
    """
    try:
        with open_archive(path) as archive:
            if not _check_members(archive, shown, findings):
                return Contents(None, None, 0)
            architecture = archive.read(CONFIG)
            version = _keras_version(archive.read(METADATA), shown)
            _check_sum(archive)
            weights = _window(archive, archive.getinfo(WEIGHTS))
            stored = measure_weights(weights, f"{shown}: {WEIGHTS}", findings, WEIGHTS)
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        reason = printable(str(error).split("\n")[0])
        raise InputError(f"{shown}: the archive is damaged ({reason}); copy it again") from None
    return Contents(architecture, version, stored)


def _check_members(archive: zipfile.ZipFile, shown: str, findings: Findings) -> bool:
    """Find members that do not belong; whether those that do can be read."""
    times = Counter(archive.namelist())
    for missing in _MAX_BYTES.keys() - times.keys():
        raise InputError(f"{shown}: the archive has no {missing}; save the whole model again")
    readable = True
    for name, count in times.items():
        member = f"member {quoted(name)}"
        if count > 1:
            findings.add(member, "occurs more than once; Keras writes each member once")
        if name not in _MAX_BYTES:
            findings.add(
                member,
                "does not belong in an image classifier's archive "
                f"({CONFIG}, {METADATA} and {WEIGHTS} do); save the model again without assets",
            )
    for info in archive.infolist():
        for reason in _odd(info) if info.filename in _MAX_BYTES else ():
            findings.add(f"member {quoted(info.filename)}", reason)
            readable = False
    return readable


def _odd(member: zipfile.ZipInfo) -> Iterator[str]:
    """Tell in what way a member is not as Keras stores it."""
    if member.flag_bits & 0x1:
        yield "is encrypted; save the model again without encryption"
    # What is compressed can be a bomb; Keras stores members as they are.
    if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
        yield "is compressed; Keras stores it as it is, so save the model again"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        yield "is no ordinary file; Keras writes files only"
    limit = _MAX_BYTES[member.filename]
    if member.file_size > limit:
        yield f"has {member.file_size} bytes; at most {limit} are allowed"


def _check_sum(archive: zipfile.ZipFile) -> None:
    """Read the weights once: at their end zipfile compares the checksum, and Keras may not."""
    with archive.open(WEIGHTS) as member:
        if not member.read(len(HDF5_MAGIC)).startswith(HDF5_MAGIC):
            raise zipfile.BadZipFile(f"{WEIGHTS} is not HDF5")
        while member.read(_CHUNK):
            pass


def _window(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> FileWindow:
    """The bytes of a stored member, where they lie in the archive."""
    file = archive.fp
    assert file is not None, "the archive is open"
    file.seek(member.header_offset + _LOCAL_HEADER - 4)
    name, extra = struct.unpack("<HH", file.read(4))
    return FileWindow(file, member.header_offset + _LOCAL_HEADER + name + extra, member.file_size)


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

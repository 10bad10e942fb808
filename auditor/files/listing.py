"""Several files under one digest: that of a listing, which is text that has only one reading.

The first line says what the listing is of, so that no two kinds have a digest in common. Then comes
a line a file, in the order of the names' bytes, as `sha256sum` prints it.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Final

FOLDER: Final = "bdaudit: a folder of files"
BESIDE: Final = "bdaudit: a file and those beside it"

_TWO_READINGS: Final = re.compile(r"[\\\r\n]")
_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_GRAPHS: Final = {"saved_model.pb", "saved_model.pbtxt"}
_BEGINNING: Final = re.compile(rb"bdaudit: a |\\?[0-9a-f]{64} [ *]")


def line(digest: str, name: str) -> bytes:
    r"""Return what `sha256sum` prints of a file.

    In its name `\`, newline and carriage return are escaped, and a `\` in front says that they are.
    """
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != name else ""
    return os.fsencode(f"{mark}{digest}  {escaped}\n")


def of_folder(files: Mapping[str, str]) -> str:
    """Return the digest of a folder.

    Args:
        files: Path in the folder → sha256.
    """
    return _sha256(f"{FOLDER}\n".encode() + _lines(files))


def of_file(first: str, beside: Mapping[str, str]) -> str:
    """Return the digest of a file and of those that it names, whatever it is called itself.

    Args:
        first: Its own sha256.
        beside: Path beside it → sha256.
    """
    return _sha256(f"{BESIDE}\n{first}\n".encode() + _lines(beside))


def of_version_0_1(files: Mapping[str, str]) -> str:
    """Return the digest that version 0.1 had of several files, whatever they were.

    Names were not escaped: empty where one of them leaves more than one reading. So it is where a
    file is empty, which may be the rest of another model's name, that takes no bytes; and where two
    files could be the graph.
    """
    unsure = _EMPTY in files.values() or files.keys() >= _GRAPHS
    unsure = unsure or any(map(_TWO_READINGS.search, files))
    return "" if unsure else _sha256(_lines(files))


def is_one(beginning: bytes) -> bool:
    """Whether a file is a listing, of this version or an earlier one, by its first 100 bytes."""
    return _BEGINNING.match(beginning) is not None


def _lines(files: Mapping[str, str]) -> bytes:
    return b"".join(line(files[name], name) for name in sorted(files, key=os.fsencode))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

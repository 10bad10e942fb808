"""Check the heaps of an HDF5 file, where texts of variable length lie, before HDF5 reads them.

HDF5 1.14 walks from object to object by the sizes these state and does not notice a size of zero:
one changed byte, and it never returns. What it can open as a heap starts with a signature, so all
of them can be found without it.
"""

import struct
from collections.abc import Iterator
from typing import IO

from auditor.files.window import FileWindow

_SIGNATURE = b"GCOL\x01"
_HEADER = struct.Struct("<8sQ")
_OBJECT = struct.Struct("<HHIQ")
_CHUNK = 2**20


def heaps_end(file: IO[bytes] | FileWindow, size: int) -> bool:
    """Whether HDF5 comes to the end of every heap of a file, which states sizes in 8 bytes.

    Args:
        file: The file, seekable.
        size: How many bytes it has.
    """
    unclaimed = size
    for start in _heaps(file):
        file.seek(start)
        header = file.read(_HEADER.size) or b""
        length = _HEADER.unpack(header)[1] if len(header) == _HEADER.size else size
        if start + length > size:
            continue  # no heap but weights that look like its start; HDF5 says so itself
        unclaimed -= length
        if unclaimed < 0:  # heaps do not overlap
            return False
        file.seek(start)
        if not _walks(file.read(length) or b""):
            return False
    return True


def _heaps(file: IO[bytes] | FileWindow) -> Iterator[int]:
    """Where heaps start, whoever else moves in the file meanwhile."""
    at, before = 0, b""
    while file.seek(at) == at and (chunk := file.read(_CHUNK)):
        text = before + chunk
        found = text.find(_SIGNATURE)
        while found >= 0:
            yield at - len(before) + found
            found = text.find(_SIGNATURE, found + 1)
        at += len(chunk)
        before = text[1 - len(_SIGNATURE) :]


def _walks(heap: bytes) -> bool:
    """Whether the objects of a heap lead to its end."""
    at = _HEADER.size
    while at + _OBJECT.size <= len(heap):
        index, _, _, length = _OBJECT.unpack_from(heap, at)
        # Object 0 is the free space and counts its own header; others are padded to 8 bytes.
        step = _OBJECT.size + (length + 7) // 8 * 8 if index else length
        if step < _OBJECT.size or at + step > len(heap):
            return False
        at += step
    return True

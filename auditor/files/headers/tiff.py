"""What size a TIFF's first image has, and whether all programs make the same of it."""

from typing import Literal

_WIDTH, _HEIGHT, _BITS, _COLOURS, _SAMPLES, _FORMAT = 256, 257, 258, 262, 277, 339
ORIENTATION = 274
_RGB = 2
_ENTRY = 12
"""Bytes of an entry."""

_SIZES = {1: 1, 3: 2, 4: 4}
"""Type of an entry → bytes of a number; sides and bits are of no other."""


def is_tiff(data: bytes) -> bool:
    """Whether a file begins as a TIFF does; one of more than 4 GiB begins otherwise."""
    return data[:4] in (b"II*\0", b"MM\0*")


def tiff_size(data: bytes) -> tuple[int, int] | None:
    """Read height and width of the first image.

    Args:
        data: The file, which `is_tiff`.

    Returns:
        None where it is cut off.
    """
    found = entries(data)
    return found.get(_HEIGHT, 0), found.get(_WIDTH, 0)


def objection(data: bytes) -> str:
    """Say why a whole TIFF is not read; empty where it is.

    libtiff multiplies colours with the transparency beside them, and other programs do not.
    """
    found = entries(data)
    if found.get(_BITS, 1) not in (1, 8, 16) or found.get(_FORMAT, 1) != 1:
        return "TIFF whose numbers are not of 1, 8 or 16 bits; save it as a picture of bytes"
    if found.get(_COLOURS) == _RGB and found.get(_SAMPLES, 3) > 3:
        return "TIFF with transparency, which programs show differently; save it without"
    return ""


def as_stored(data: bytes) -> bytes:
    """Return a TIFF that says it is upright, so that no decoder turns what it holds.

    libtiff turns some of them, whatever it is asked for.

    Args:
        data: A whole file, which `is_tiff`.
    """
    order, directory = _directory(data)
    numbers = ((ORIENTATION, 2), (3, 2), (1, 4), (1, 2), (0, 2))  # tag, type, count, value, rest
    upright = b"".join(number.to_bytes(length, order) for number, length in numbers)
    changed = bytearray(data)
    for at in directory:
        if int.from_bytes(data[at : at + 2], order) == ORIENTATION:
            changed[at : at + _ENTRY] = upright
    return bytes(changed)


def entries(data: bytes) -> dict[int, int]:
    """Return tag → its first number, of the first image; nothing where the file is cut off or none.

    Args:
        data: The file, or EXIF's own bytes.
    """
    order, directory = _directory(data)

    def number(at: int, count: int) -> int:
        return int.from_bytes(data[at : at + count], order)

    found: dict[int, int] = {}
    for entry in directory:
        tag, kind, many = number(entry, 2), number(entry + 2, 2), number(entry + 4, 4)
        if kind in _SIZES and many:
            is_inside = many * _SIZES[kind] <= 4
            found[tag] = number(entry + 8 if is_inside else number(entry + 8, 4), _SIZES[kind])
    return found


def _directory(data: bytes) -> tuple[Literal["little", "big"], range]:
    """Return the order of bytes, and where the entries of the first image begin."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    at = int.from_bytes(data[4:8], order)
    end = at + 2 + _ENTRY * int.from_bytes(data[at : at + 2], order)
    is_whole = is_tiff(data) and end + 4 <= len(data)
    return order, range(at + 2, end if is_whole else at + 2, _ENTRY)

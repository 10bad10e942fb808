"""What size a portable map has: `.pbm`, `.pgm`, `.ppm`, as text or in bytes."""

import re

_HEADER = re.compile(
    rb"P([1-6])(?:\s|#[^\n]*\n)+(\d{1,6})(?:\s|#[^\n]*\n)+(\d{1,6})(?:(?:\s|#[^\n]*\n)+(\d{1,5}))?\s"
)
_BITS, _GRAY, _COLOUR = (1, 4), (2, 5), (3, 6)


def is_pnm(data: bytes) -> bool:
    """Whether a file begins as a portable map does."""
    return data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace()


def pnm_size(data: bytes) -> tuple[int, int] | None:
    """Read height and width.

    Args:
        data: The file, which `is_pnm`.

    Returns:
        None where its header is none, or its pixels are fewer than it says.
    """
    found = _HEADER.match(data[:4096])
    if found is None:
        return None
    kind, width, height = int(found[1]), int(found[2]), int(found[3])
    if kind in _BITS:
        found = re.compile(rb"P[14](?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+\d+\s").match(data)
        row = -(-width // 8)
    elif found[4] is None or not 1 <= int(found[4]) <= 65_535:
        return None
    else:
        row = width * (3 if kind in _COLOUR else 1) * (2 if int(found[4]) > 255 else 1)
    if found is None:
        return None
    there = len(data) - found.end()
    needed = height * row if kind > 3 else height * width * (3 if kind == 3 else 1)
    return (height, width) if there >= needed else None

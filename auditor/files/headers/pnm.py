"""What size a portable map has: `.pbm`, `.pgm`, `.ppm`, as text or in bytes."""

import re

_SPACE = rb"(?:\s|#[^\n]*\n)+"
_BITS = re.compile(rb"P([14])" + _SPACE + rb"(\d{1,6})" + _SPACE + rb"(\d{1,6})\s")
_NUMBERS = re.compile(
    rb"P([2356])" + _SPACE + rb"(\d{1,6})" + _SPACE + rb"(\d{1,6})" + _SPACE + rb"(\d{1,5})\s"
)


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
    beginning = data[:4096]
    found = _BITS.match(beginning) or _NUMBERS.match(beginning)
    if found is None:
        return None
    kind, width, height, *most = map(int, found.groups())
    if most and not 1 <= most[0] <= 65_535:
        return None
    colours = 3 if kind in (3, 6) else 1
    if kind < 4:  # as text: a digit a number, at least
        needed = height * width * colours
    elif kind == 4:
        needed = height * -(-width // 8)
    else:
        needed = height * width * colours * (2 if most[0] > 255 else 1)
    return (height, width) if len(data) - found.end() >= needed else None

"""What size a WebP has, from its first chunk, and whether all of it is there."""

_SIGNATURE = 0x2F
"""First byte of a lossless image's data."""


def is_webp(data: bytes) -> bool:
    """Whether a file begins as a WebP does."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Read height and width, of the canvas where there are several frames.

    Args:
        data: The file, which `is_webp`.

    Returns:
        None where it is cut off or begins with none of the chunks that say the size.
    """
    if len(data) < 30 or len(data) < 8 + int.from_bytes(data[4:8], "little"):
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return _number(data, 27, 3) + 1, _number(data, 24, 3) + 1
    if kind == b"VP8L" and data[20] == _SIGNATURE:
        bits = _number(data, 21, 4)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _number(data, 28, 2) & 0x3FFF, _number(data, 26, 2) & 0x3FFF
    return None


def _number(data: bytes, at: int, count: int) -> int:
    return int.from_bytes(data[at : at + count], "little")

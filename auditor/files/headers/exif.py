"""How a camera was held: the EXIF orientation of an image file."""

from auditor.files.headers import tiff, webp

UPRIGHT = 1
_ORIENTATION = 274
_MOST = 1 << 17
"""Bytes in which a JPEG's EXIF stands: its first segments hold no more."""


def orientation(data: bytes) -> int:
    """Return 1 to 8, as EXIF numbers them; 1, upright, where a file does not say.

    Args:
        data: A JPEG or WebP file; of any other it is 1. All programs turn a TIFF as it says.
    """
    found = tiff.entries(_block(data)).get(_ORIENTATION, UPRIGHT)
    return found if 1 <= found <= 8 else UPRIGHT


def _block(data: bytes) -> bytes:
    """Return EXIF's own bytes, which are those of a TIFF without an image."""
    if data.startswith(b"\xff\xd8\xff"):
        at = data.find(b"Exif\0\0", 0, _MOST)
        return data[at + 6 : at + _MOST] if at >= 0 and b"\xff\xe1" in data[:at] else b""
    if webp.is_webp(data):
        at = data.find(b"EXIF")
        block = data[at + 8 :] if at >= 0 else b""
        return block.removeprefix(b"Exif\0\0")
    return b""

"""How a camera was held: the EXIF orientation of an image file."""

from auditor.files.headers import png, tiff, webp

UPRIGHT = 1
_MOST = 1 << 17
"""Bytes in which a JPEG's EXIF stands: its first segments hold no more."""


def orientation(data: bytes) -> int:
    """Return 1 to 8, as EXIF numbers them; 1, upright, where a file does not say.

    Args:
        data: The whole file. Those of other kinds than JPEG, PNG, WebP and TIFF hold none.
    """
    found = tiff.entries(_block(data)).get(tiff.ORIENTATION, UPRIGHT)
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
    if data.startswith(png.START):
        return png.png_exif(data).removeprefix(b"Exif\0\0")
    return data if tiff.is_tiff(data) else b""

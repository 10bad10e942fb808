"""Look at an image file before decoding it: what it is, how large, and whether it can be read."""

import stat
from pathlib import Path

MAX_PIXELS = 64_000_000
"""Images with more pixels are skipped before anything is allocated for them."""

MAX_BYTES = 256 * 2**20
"""Files with more bytes are skipped: more than `MAX_PIXELS` need, four bytes each."""

JPEG, PNG, BMP = "JPEG", "PNG", "BMP"

_PNG_START = b"\x89PNG\r\n\x1a\n"
_OTHER_KINDS = (
    (b"GIF8", "GIF"),
    (b"RIFF", "WebP or another RIFF format"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "gzip"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"<", "HTML, SVG or XML"),
)


class UnreadableImage(Exception):
    """An image that has to be skipped; the message is the reason in a few words."""


def read_image_file(path: Path) -> tuple[str, bytes]:
    """Read a file that is worth decoding.

    Args:
        path: A file of any kind; only regular ones are opened.

    Returns:
        `JPEG`, `PNG` or `BMP`, judged by content, and the whole file.

    Raises:
        UnreadableImage: Missing, unreadable, not an image, cut off or too large.
    """
    data = _read(path)
    if not data:
        raise UnreadableImage("empty file")
    if data.startswith(b"\xff\xd8\xff"):
        kind, size = JPEG, _jpeg_size(data)
    elif data.startswith(_PNG_START):
        kind, size = PNG, _png_size(data)
    elif data.startswith(b"BM"):
        kind, size = BMP, _bmp_size(data)
    else:
        found = next((name for start, name in _OTHER_KINDS if data.startswith(start)), None)
        raise UnreadableImage(f"not a JPEG, PNG or BMP image (content is {found or 'unknown'})")
    if size is None or min(size) < 1:
        raise UnreadableImage(f"truncated or corrupt {kind}")
    if size[0] * size[1] > MAX_PIXELS:
        raise UnreadableImage(
            f"too large: {size[1]}×{size[0]} pixels, at most {MAX_PIXELS // 10**6} megapixels"
        )
    return kind, data


def regular_file_size(path: Path) -> int:
    """Size of a regular file, found without opening it (opening a FIFO would block).

    Args:
        path: A file of any kind.

    Returns:
        Its size in bytes.

    Raises:
        UnreadableImage: It is missing or not a regular file.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableImage(_plain(error)) from None
    except ValueError:  # a name with a null byte, or of what is no text
        raise UnreadableImage("no file can have this name") from None
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage("not a regular file")
    return status.st_size


def _read(path: Path) -> bytes:
    if regular_file_size(path) > MAX_BYTES:
        raise UnreadableImage(f"too large: at most {MAX_BYTES // 2**20} MiB")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImage(_plain(error)) from None


def _plain(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError):
        return "file is missing"
    return f"cannot be read: {error.strerror}"


def _png_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 33 or data[12:16] != b"IHDR":
        return None
    return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")


def _bmp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 26:
        return None
    if int.from_bytes(data[14:18], "little") == 12:  # OS/2 header: 16-bit sides
        return int.from_bytes(data[20:22], "little"), int.from_bytes(data[18:20], "little")
    width = int.from_bytes(data[18:22], "little", signed=True)
    height = int.from_bytes(data[22:26], "little", signed=True)
    return abs(height), width  # a negative height means that rows go from top to bottom


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Find the frame header by the same walk over markers as libjpeg's."""
    if data.rfind(b"\xff\xd9") < 0:
        return None  # no end of image: cut off
    at = 2
    while True:
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) and data[at] == 0xFF:
            at += 1
        if at < 0 or at + 8 > len(data):
            return None
        marker = data[at]
        at += 1
        if marker in {0x00, 0x01} or 0xD0 <= marker <= 0xD7:  # these stand alone
            continue
        if marker in {0xD9, 0xDA}:  # end of image, or pixels before any frame header
            return None
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height = int.from_bytes(data[at + 3 : at + 5], "big")
            return height, int.from_bytes(data[at + 5 : at + 7], "big")
        at += max(2, int.from_bytes(data[at : at + 2], "big"))

"""Look at an image file before decoding it: what it is, how large, and whether it can be read."""

import stat
from pathlib import Path

from auditor.files.jpeg import jpeg_size
from auditor.files.png import START, png_size, png_still

MAX_PIXELS = 64_000_000
"""Images with more pixels are skipped before anything is allocated for them."""

MAX_BYTES = 256 * 2**20
"""Files with more bytes are skipped: more than `MAX_PIXELS` need, four bytes each."""

JPEG, PNG, BMP = "JPEG", "PNG", "BMP"

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
        `JPEG`, `PNG` or `BMP`, judged by content, and what is to be decoded: the whole file, but
        of a PNG only what its pixels are made of.

    Raises:
        UnreadableImage: Missing, unreadable, not an image, cut off or too large.
    """
    data = _read(path)
    if not data:
        raise UnreadableImage("empty file")
    if data.startswith(b"\xff\xd8\xff"):
        kind, size = JPEG, jpeg_size(data)
    elif data.startswith(START):
        kind, size = PNG, png_size(data)
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
    if kind == PNG:
        still = png_still(data)
        if still is None:
            raise UnreadableImage(f"truncated or corrupt {kind}")
        return kind, still
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


def _bmp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 26:
        return None
    if int.from_bytes(data[14:18], "little") == 12:  # OS/2 header: 16-bit sides
        return int.from_bytes(data[20:22], "little"), int.from_bytes(data[18:20], "little")
    width = int.from_bytes(data[18:22], "little", signed=True)
    height = int.from_bytes(data[22:26], "little", signed=True)
    return abs(height), width  # a negative height means that rows go from top to bottom

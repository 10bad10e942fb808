"""Look at an image file before decoding it: what it is, how large, and whether it can be read."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditor.files.headers import gif, jpeg, png, pnm, tiff, webp
from auditor.files.stand_in import HEAD_BYTES, stand_in

MAX_PIXELS = 64_000_000
"""Images with more pixels are skipped before anything is allocated for them."""

MAX_BYTES = 256 * 2**20
"""Files with more bytes are skipped: more than `MAX_PIXELS` need, four bytes each."""

TIFF = "TIFF"

Size = tuple[int, int] | None


@dataclass(frozen=True)
class Kind:
    """A kind of image file that is read.

    Attributes:
        name: What it is called.
        suffixes: Of its files, in small letters.
        begins: Whether some bytes begin as such a file does.
        size: Height and width of the first image in such a file; None where it cannot be read.
    """

    name: str
    suffixes: tuple[str, ...]
    begins: Callable[[bytes], bool]
    size: Callable[[bytes], Size]


def _bmp_size(data: bytes) -> Size:
    if len(data) < 26:
        return None
    if int.from_bytes(data[14:18], "little") == 12:  # OS/2 header: 16-bit sides
        return int.from_bytes(data[20:22], "little"), int.from_bytes(data[18:20], "little")
    width = int.from_bytes(data[18:22], "little", signed=True)
    height = int.from_bytes(data[22:26], "little", signed=True)
    return abs(height), width  # a negative height means that rows go from top to bottom


KINDS = (
    Kind(
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        lambda data: data.startswith(b"\xff\xd8\xff"),
        jpeg.jpeg_size,
    ),
    Kind("PNG", (".png",), lambda data: data.startswith(png.START), png.png_size),
    Kind("BMP", (".bmp",), lambda data: data.startswith(b"BM"), _bmp_size),
    Kind("WebP", (".webp",), webp.is_webp, webp.webp_size),
    Kind(TIFF, (".tif", ".tiff"), tiff.is_tiff, tiff.tiff_size),
    Kind("PPM", (".ppm", ".pgm", ".pbm", ".pnm"), pnm.is_pnm, pnm.pnm_size),
    Kind("GIF", (".gif",), lambda data: data.startswith(gif.START), gif.gif_size),
)

_OTHER_KINDS = (
    (b"\0\0\0\x1cftyp", "HEIC or AVIF"),
    (b"\0\0\0\x20ftyp", "HEIC or AVIF"),
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
        The kind's name, judged by content, and what is to be decoded: the whole file, but of a PNG
        only what its pixels are made of.

    Raises:
        UnreadableImage: Missing, unreadable, not an image, cut off or too large.
    """
    return examined(content(path))


def examined(data: bytes) -> tuple[str, bytes]:
    """Look at the content of an image file, as `read_image_file` does.

    Args:
        data: The whole of it.

    Returns:
        The kind's name and what is to be decoded.

    Raises:
        UnreadableImage: It is not worth decoding, and why.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableImage(f"too large: at most {MAX_BYTES // 2**20} MiB")
    if not data:
        raise UnreadableImage("empty file")
    kind = next((kind for kind in KINDS if kind.begins(data)), None)
    if kind is None:
        if what := stand_in(data[:HEAD_BYTES]):
            raise UnreadableImage(what)
        found = next((name for start, name in _OTHER_KINDS if data.startswith(start)), None)
        known = ", ".join(kind.name for kind in KINDS)
        raise UnreadableImage(
            f"not an image of a kind that is read ({known}); its content is {found or 'unknown'}"
        )
    size = kind.size(data)
    if size is None or min(size) < 1:
        raise UnreadableImage(f"truncated or corrupt {kind.name}")
    if size[0] * size[1] > MAX_PIXELS:
        raise UnreadableImage(
            f"too large: {size[1]}×{size[0]} pixels, at most {MAX_PIXELS // 10**6} megapixels"
        )
    if kind.name == TIFF and (why := tiff.objection(data)):
        raise UnreadableImage(why)
    if kind.name == "PNG":
        still = png.png_still(data)
        if still is None:
            raise UnreadableImage(f"truncated or corrupt {kind.name}")
        return kind.name, still
    return kind.name, data


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


def content(path: Path) -> bytes:
    """Return all bytes of an image file, before anything is looked at.

    Args:
        path: A file of any kind; only regular ones are opened.

    Raises:
        UnreadableImage: Missing, unreadable or too large.
    """
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

"""Walk over a PNG's chunks: what size it has, and what of it pixels are made of."""

import zlib

START = b"\x89PNG\r\n\x1a\n"


def png_size(data: bytes) -> tuple[int, int] | None:
    """Read height and width, in pixels, from the first chunk; None where it is another."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        return None
    return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")


def png_exif(data: bytes) -> bytes:
    """Return the content of the first `eXIf` chunk; nothing where there is none.

    Args:
        data: The file, which begins with `START`.
    """
    at = len(START)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"eXIf":
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return b""


def png_still(data: bytes) -> bytes | None:
    """Keep the chunks that no decoder may pass over.

    The others hold transparency, gamma, profiles, texts and animations: none is to show, and
    decoders differ in what they make of them.

    Args:
        data: The file, which begins with `START`.

    Returns:
        A PNG without them; None where a chunk is damaged or cut off.
    """
    kept, at = [START], len(START)
    while True:
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name, chunk = data[at + 4 : at + 8], data[at:end]
        if end > len(data) or not name.isalpha():
            return None
        if name[:1].isupper():
            if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                return None
            kept.append(chunk)
        if name == b"IEND":
            return b"".join(kept)
        at = end

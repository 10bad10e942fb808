"""What size a GIF has, and whether it is whole."""

START = (b"GIF87a", b"GIF89a")


def gif_size(data: bytes) -> tuple[int, int] | None:
    """Read height and width of the screen that frames are drawn on.

    Args:
        data: The file, which begins with one of `START`.

    Returns:
        None where it is cut off.
    """
    if len(data) < 13 or data.rstrip(b"\0")[-1:] != b";":
        return None
    return int.from_bytes(data[8:10], "little"), int.from_bytes(data[6:8], "little")

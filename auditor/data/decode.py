"""Decode image files with OpenCV in threads: in order, some ahead, not stopping at bad ones."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.data.resize import resize
from auditor.data.rooms import Rooms
from auditor.files.headers.exif import UPRIGHT, orientation
from auditor.files.headers.tiff import as_stored
from auditor.files.image_file import TIFF, UnreadableImage, content, examined

_MAX_THREADS = 8
"""Bounds the memory of large images: each thread holds one of them."""

_IN_A_ROW = 16
"""Files that a thread decodes at a time: small ones cost less than handing them over."""

_BATCHES_AHEAD = 2
_BYTES_AHEAD = 16 << 20
"""What is decoded, at most, while whoever asked for images works on those that they have."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """Some images, and the files before them that are none.

    Attributes:
        positions: int64 (n,), ascending.
        images: uint8 (n, height, width, 3), RGB; it may be part of a larger array.
        resized: bool (n,), whether each was.
        turned: bool (n,), whether each has an EXIF orientation other than upright.
        refused: Positions passed over since the previous ones were delivered, and why.
    """

    positions: NDArray[np.int64]
    images: NDArray[np.uint8]
    resized: NDArray[np.bool_]
    turned: NDArray[np.bool_]
    refused: tuple[tuple[int, str], ...]


def decode_stream(
    image_at: Callable[[int], Path | bytes],
    count: int,
    size: tuple[int, int],
    batch_size: int,
    *,
    exif: bool = False,
) -> Iterator[Decoded]:
    """Decode `count` image files; those that cannot be decoded are left out.

    Args:
        image_at: Path or content of the image file at a position in 0..count-1; called from several
            threads, once for each.
        count: How many.
        size: Height and width to deliver.
        batch_size: Images in a batch.
        exif: Whether images are turned as their EXIF orientation says.

    Yields:
        Batches, all full but the last, which has no image where only refused files were left.
    """
    held: list[Decoded] = []
    count_held = 0
    for some in _in_order(image_at, count, size, batch_size, exif=exif):
        held.append(some)
        count_held += len(some.positions)
        while count_held >= batch_size:
            full, rest = _split(_joined(held), batch_size)
            yield full
            held, count_held = [rest], len(rest.positions)
    last = _joined(held) if held else None
    if last and (len(last.positions) or last.refused):
        yield last


def decode_one(image: Path | bytes, *, exif: bool = False) -> NDArray[np.uint8]:
    """Decode one image file.

    Args:
        image: The file's path or content.
        exif: Whether it is turned as its EXIF orientation says.

    Returns:
        uint8 (h, w, 3), RGB, in the image's own size.

    Raises:
        UnreadableImage: It cannot be decoded, and why.
    """
    pixels, _ = _decoded(image, exif=exif)
    return _in_rgb(pixels, pixels)


def _decoded(file: Path | bytes, *, exif: bool) -> tuple[NDArray[np.uint8], bool]:
    """Return an image in BGR, and whether it has an EXIF orientation other than upright."""
    whole = file if isinstance(file, bytes) else content(file)
    kind, data = examined(whole)
    held = orientation(whole)  # of a PNG, not all of it is decoded
    if kind == TIFF and held != UPRIGHT:
        data = as_stored(data)
    cv2 = _quiet_cv2()
    try:
        image = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error:
        image = None
    if image is None:
        raise UnreadableImage(f"truncated or corrupt {kind}")
    return _upright(image, held) if exif else image, held != UPRIGHT


def _in_rgb(image: NDArray[np.uint8], room: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Write an image that is in BGR into an array of its shape, in RGB, and return that."""
    cv2 = _quiet_cv2()
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=room), np.uint8)


def _upright(image: NDArray[np.uint8], held: int) -> NDArray[np.uint8]:
    """Turn an image as its orientation says: 2, 4, 5, 7 are mirrored, 5 to 8 lie on their side."""
    if held in (2, 4, 5, 7):
        image = image[:, ::-1]
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(held, 0)
    return np.ascontiguousarray(np.rot90(image, quarters))


def _in_order(
    image_at: Callable[[int], Path | bytes],
    count: int,
    size: tuple[int, int],
    batch_size: int,
    *,
    exif: bool,
) -> Iterator[Decoded]:
    """Decode in several threads, never more than some batches ahead of what was taken."""
    threads = min(os.cpu_count() or 1, _MAX_THREADS)
    images = min(_BATCHES_AHEAD * batch_size, _BYTES_AHEAD // (size[0] * size[1] * 3))
    ahead = threads + images // _IN_A_ROW
    waiting: deque[Future[Decoded]] = deque()
    pool = ThreadPoolExecutor(threads, "decode")
    try:
        for positions, room in _pieces(count, size, batch_size):
            waiting.append(pool.submit(_some, image_at, positions, room, exif=exif))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _pieces(
    count: int, size: tuple[int, int], batch_size: int
) -> Iterator[tuple[range, NDArray[np.uint8]]]:
    """Give the positions that are decoded in a row, and room for them in their batch's array.

    So a batch is whole once its pieces are, and need not be copied together.
    """
    whole = max(1, min(max(batch_size, _IN_A_ROW), count))
    rooms = Rooms(whole, (*size, 3))
    for begin in range(0, count, whole):
        end = min(begin + whole, count)
        batch = rooms.take(end - begin)
        for start in range(begin, end, _IN_A_ROW):
            positions = range(start, min(start + _IN_A_ROW, end))
            yield positions, batch[start - begin : positions.stop - begin]


def _some(
    image_at: Callable[[int], Path | bytes],
    positions: range,
    images: NDArray[np.uint8],
    *,
    exif: bool,
) -> Decoded:
    size = images.shape[1:3]
    kept: list[int] = []
    resized: list[bool] = []
    turned: list[bool] = []
    refused: list[tuple[int, str]] = []
    for position in positions:
        try:
            image, is_turned = _decoded(image_at(position), exif=exif)
        except UnreadableImage as error:
            refused.append((position, str(error)))
            continue
        _in_rgb(resize(image, size), images[len(kept)])
        kept.append(position)
        resized.append(image.shape[:2] != size)
        turned.append(is_turned)
    return Decoded(
        np.array(kept, np.int64),
        images[: len(kept)],
        np.array(resized, np.bool_),
        np.array(turned, np.bool_),
        tuple(refused),
    )


def _joined(held: list[Decoded]) -> Decoded:
    return Decoded(
        np.concatenate([some.positions for some in held]),
        _together([some.images for some in held]),
        np.concatenate([some.resized for some in held]),
        np.concatenate([some.turned for some in held]),
        tuple(one for some in held for one in some.refused),
    )


def _together(parts: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return parts as one array: copied only where they are not all that one array holds."""
    whole = parts[0].base
    if isinstance(whole, np.ndarray) and all(part.base is whole for part in parts):
        if sum(map(len, parts)) == len(whole):
            return whole
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _split(some: Decoded, count: int) -> tuple[Decoded, Decoded]:
    """Cut after so many images; what was refused before the last of them goes with them."""
    last = int(some.positions[count - 1])
    sides = (slice(None, count), slice(count, None))
    refused = tuple(
        tuple(one for one in some.refused if (one[0] > last) == late) for late in (0, 1)
    )
    first, rest = (
        Decoded(
            some.positions[side], some.images[side], some.resized[side], some.turned[side], those
        )
        for side, those in zip(sides, refused, strict=True)
    )
    return first, rest


@cache
def _quiet_cv2() -> Any:
    """OpenCV, without a message of its own on standard error for every corrupt file."""
    import cv2

    logging = getattr(cv2.utils, "logging", cv2)  # where it is since 4.13
    logging.setLogLevel(0)
    return cv2

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

from auditor.data.image_file import UnreadableImage, read_image_file
from auditor.data.resize import resize

_MAX_THREADS = 8
"""Bounds the memory of large images: each thread holds one of them."""

_IN_A_ROW = 16
"""Files that a thread decodes at a time: small ones cost less than handing them over."""

_BATCHES_AHEAD = 2
"""Read while whoever asked for images works on those that they have."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """Some images, and the files before them that are none.

    Attributes:
        positions: int64 (n,), ascending.
        images: uint8 (n, height, width, 3), RGB.
        resized: How many of the n were resized.
        refused: Positions passed over since the previous ones were delivered, and why.
    """

    positions: NDArray[np.int64]
    images: NDArray[np.uint8]
    resized: int
    refused: tuple[tuple[int, str], ...]


@dataclass(frozen=True, eq=False)
class _One:
    """What became of one file: an image uint8 (*size, 3), or the reason why there is none."""

    image: NDArray[np.uint8] | None
    resized: bool = False
    reason: str = ""


def decode_stream(
    path_at: Callable[[int], Path], count: int, size: tuple[int, int], batch_size: int
) -> Iterator[Decoded]:
    """Decode `count` image files; those that cannot be decoded are left out.

    Args:
        path_at: Path of the image at a position in 0..count-1; called from several threads.
        count: How many.
        size: Height and width to deliver.
        batch_size: Images in a batch.

    Yields:
        Batches, all full but the last, which has no image where only refused files were left.
    """
    taken: list[tuple[int, _One]] = []
    refused: list[tuple[int, str]] = []
    for position, one in enumerate(_in_order(path_at, count, size, batch_size)):
        if one.image is None:
            refused.append((position, one.reason))
            continue
        taken.append((position, one))
        if len(taken) == batch_size:
            yield _batch(taken, refused, size)
            taken, refused = [], []
    if taken or refused:
        yield _batch(taken, refused, size)


def decode_one(path: Path) -> NDArray[np.uint8]:
    """Decode one image file.

    Args:
        path: The file.

    Returns:
        uint8 (h, w, 3), RGB, in the image's own size.

    Raises:
        UnreadableImage: It cannot be decoded, and why.
    """
    kind, data = read_image_file(path)
    cv2 = _quiet_cv2()
    try:
        image = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error:
        image = None
    if image is None:
        raise UnreadableImage(f"truncated or corrupt {kind}")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _in_order(
    path_at: Callable[[int], Path], count: int, size: tuple[int, int], batch_size: int
) -> Iterator[_One]:
    """Decode in several threads, never more than some batches ahead of what was taken."""

    def some(positions: range) -> list[_One]:
        return [_one(path_at(position), size) for position in positions]

    threads = min(os.cpu_count() or 1, _MAX_THREADS)
    ahead = threads + _BATCHES_AHEAD * batch_size // _IN_A_ROW
    waiting: deque[Future[list[_One]]] = deque()
    pool = ThreadPoolExecutor(threads, "decode")
    try:
        for start in range(0, count, _IN_A_ROW):
            positions = range(start, min(start + _IN_A_ROW, count))
            waiting.append(pool.submit(some, positions))
            if len(waiting) > ahead:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _one(path: Path, size: tuple[int, int]) -> _One:
    try:
        image = decode_one(path)
    except UnreadableImage as error:
        return _One(None, reason=str(error))
    return _One(resize(image, size), resized=image.shape[:2] != size)


def _batch(
    taken: list[tuple[int, _One]], refused: list[tuple[int, str]], size: tuple[int, int]
) -> Decoded:
    images = np.empty((len(taken), *size, 3), np.uint8)
    for place, (_, one) in enumerate(taken):
        if one.image is not None:
            images[place] = one.image
    positions = np.array([position for position, _ in taken], np.int64)
    return Decoded(positions, images, sum(one.resized for _, one in taken), tuple(refused))


@cache
def _quiet_cv2() -> Any:
    """OpenCV, without a message of its own on standard error for every corrupt file."""
    import cv2

    logging = getattr(cv2.utils, "logging", cv2)  # where it is since 4.13
    logging.setLogLevel(0)
    return cv2

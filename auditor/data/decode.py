"""Decode image files with tf.data, many at once, in order and without stopping at bad ones."""

import importlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.data.image_file import BMP, UnreadableImage, read_image_file
from auditor.data.resize import resize
from auditor.errors import InputError

_MAX_THREADS = 8
"""Bounds the memory of large images: each thread holds one of them."""

_Element = tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]]


def decode_stream(
    path_at: Callable[[int], Path], count: int, size: tuple[int, int], batch_size: int
) -> Iterator[_Element]:
    """Decode `count` image files; those that cannot be decoded are left out.

    Args:
        path_at: Path of the image at a position in 0..count-1; called from several threads.
        count: How many.
        size: Height and width to deliver.
        batch_size: Images in a batch; the last may be short.

    Yields:
        Positions int64 (n,), ascending; images uint8 (n, *size, 3); which were resized, bool (n,).

    Raises:
        InputError: TensorFlow is not installed.
    """
    tf = _tensorflow()

    def load(position: np.int64) -> bytes:
        try:
            return _load(path_at(int(position)))[1]
        except UnreadableImage:  # raised on, it would print a traceback
            return b""  # which fails to decode, in silence

    def fit(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return resize(image, size)

    def element(position: Any) -> tuple[Any, ...]:
        image = _decoded(tf, tf.numpy_function(load, [position], tf.string))
        resized = tf.reduce_any(tf.shape(image)[:2] != size)
        image = tf.cond(resized, lambda: tf.numpy_function(fit, [image], tf.uint8), lambda: image)
        return position, tf.ensure_shape(image, (*size, 3)), resized

    images = tf.data.Dataset.range(count)
    images = images.map(element, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    images = images.ignore_errors().batch(batch_size).prefetch(2)
    options = tf.data.Options()
    options.threading.private_threadpool_size = min(os.cpu_count() or 1, _MAX_THREADS)
    yield from images.with_options(options).as_numpy_iterator()


def decode_one(path: Path) -> NDArray[np.uint8]:
    """Decode one image file.

    Args:
        path: The file.

    Returns:
        uint8 (h, w, 3), RGB, in the image's own size.

    Raises:
        UnreadableImage: It cannot be decoded, and why.
        InputError: TensorFlow is not installed.
    """
    kind, data = _load(path)
    tf = _tensorflow()
    try:
        return np.asarray(_decoded(tf, data).numpy(), np.uint8)
    except tf.errors.InvalidArgumentError:
        raise UnreadableImage(f"truncated or corrupt {kind}") from None


def _load(path: Path) -> tuple[str, bytes]:
    """Read a file; what comes back is JPEG or PNG."""
    kind, data = read_image_file(path)
    if kind != BMP:
        return kind, data
    # TensorFlow's own decoder takes the indices into a palette for gray values.
    cv2 = _quiet_cv2()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise UnreadableImage(f"truncated or corrupt {BMP}")
    return kind, cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def _decoded(tf: Any, data: Any) -> Any:
    """The tensor, uint8 (h, w, 3), of a JPEG or PNG, for which one operation is documented."""
    # The accurate transform and the default upsampling are those of OpenCV and Pillow.
    return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


@cache
def _quiet_cv2() -> Any:
    """OpenCV, without a message of its own on standard error for every corrupt file."""
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def _tensorflow() -> Any:
    try:
        return importlib.import_module("tensorflow")
    except ImportError:
        raise InputError(
            "image folders are decoded with TensorFlow, which is not installed; "
            "run `pip install tensorflow` or give the images as an .npz file"
        ) from None

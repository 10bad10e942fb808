"""Decode image files with tf.data, many at once, in order and without stopping at bad ones."""

import importlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.data.image_file import BMP, JPEG, PNG, UnreadableImage, read_image_file
from auditor.data.resize import resize
from auditor.errors import InputError

_MAX_THREADS = 8
"""Bounds the memory of large images: each thread holds one of them."""

_ZEROS, _RAW, _JPEG, _PNG = range(4)
"""What a loaded image's bytes are to the graph."""

_Loaded = tuple[np.int32, np.int32, np.int32, bytes]
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

    def load(position: np.int64) -> _Loaded:
        try:
            return _load(path_at(int(position)))
        except UnreadableImage:  # raised on, it would print a traceback
            return np.int32(_ZEROS), np.int32(0), np.int32(0), b""

    def fit(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return resize(image, size)

    def element(position: Any) -> tuple[Any, ...]:
        loaded = tf.numpy_function(load, [position], [tf.int32, tf.int32, tf.int32, tf.string])
        image = _decoded(tf, loaded, size)
        resized = tf.reduce_any(tf.shape(image)[:2] != size)
        image = tf.cond(resized, lambda: tf.numpy_function(fit, [image], tf.uint8), lambda: image)
        return loaded[0] != _ZEROS, position, tf.ensure_shape(image, (*size, 3)), resized

    images = tf.data.Dataset.range(count)
    images = images.map(element, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    images = images.filter(lambda readable, *_: readable).ignore_errors()
    images = images.map(lambda _, *rest: rest).batch(batch_size).prefetch(2)
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
    tf = _tensorflow()
    loaded = _load(path)
    try:
        tensors = [tf.convert_to_tensor(part) for part in loaded]
        return np.asarray(_decoded(tf, tensors, (0, 0)).numpy(), np.uint8)
    except tf.errors.InvalidArgumentError:
        kind = JPEG if loaded[0] == _JPEG else PNG
        raise UnreadableImage(f"truncated or corrupt {kind}") from None


def _load(path: Path) -> _Loaded:
    """Read a file for the graph: its kind there, height and width where raw, the bytes."""
    kind, data = read_image_file(path)
    if kind != BMP:
        return np.int32(_JPEG if kind == JPEG else _PNG), np.int32(0), np.int32(0), data
    cv2 = _quiet_cv2()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise UnreadableImage(f"truncated or corrupt {BMP}")
    height, width = image.shape[:2]
    return np.int32(_RAW), np.int32(height), np.int32(width), image[..., ::-1].tobytes()


def _decoded(tf: Any, loaded: Any, size: tuple[int, int]) -> Any:
    """The tensor, uint8 (h, w, 3), of what `_load` returned; `size` is that of an unread image."""
    kind, height, width, data = loaded
    decoders = {
        _ZEROS: lambda: tf.zeros((*size, 3), tf.uint8),
        _RAW: lambda: tf.reshape(tf.io.decode_raw(data, tf.uint8), (height, width, 3)),
        # The accurate transform and the default upsampling are those of OpenCV and Pillow.
        _JPEG: lambda: tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE"),
        _PNG: lambda: tf.io.decode_png(data, channels=3, dtype=tf.uint8),
    }
    return tf.switch_case(kind, decoders)


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

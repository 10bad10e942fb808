"""How an image goes into a model whose input is not (height, width, channels)."""

import math
from dataclasses import dataclass
from typing import Any

from auditor.errors import InputError

_COLORS = (1, 3)
_LEAST = 8
"""Rows and columns of the smallest square that a row of numbers is taken for."""


@dataclass(frozen=True)
class Door:
    """What a model takes, and what of it is an image.

    Attributes:
        size: (height, width) that images are given in.
        channels: 3, or 1 for gray.
        shape: What each image is to the model where that is not (height, width, channels): (height,
            width) of gray, or the one length of an image written row by row.
        channels_first: Whether it is (channels, height, width) to the model.
    """

    size: tuple[int, int]
    channels: int
    shape: tuple[int, ...] | None = None
    channels_first: bool = False

    @property
    def own(self) -> tuple[int, ...]:
        """Shape of one image, as the model takes it."""
        if self.channels_first:
            return (self.channels, *self.size)
        return self.shape or (*self.size, self.channels)

    def through(self, images: Any, library: Any) -> Any:
        """Return (n, height, width, channels) images in the model's own shape.

        Args:
            images: An array of numpy, or of the backend.
            library: `numpy` or `keras.ops`, which have the same functions.
        """
        if self.channels_first:
            return library.transpose(images, (0, 3, 1, 2))
        if self.shape:
            return library.reshape(images, (-1, *self.shape))
        return images


def door(shape: tuple[int | None, ...], fallback: tuple[int, int]) -> Door:
    """Return how images go into an input.

    Args:
        shape: The input's, images first; None for what is left open.
        fallback: The images' own (height, width): where the input takes any size, and to tell what
            a row of numbers was.

    Raises:
        InputError: It takes no images of 1 or 3 channels, or nothing tells their height and width.
    """
    if len(shape) == 4 and (shape[3] in _COLORS or shape[1] in _COLORS):
        first = shape[3] not in _COLORS
        height, width, channels = (shape[2], shape[3], shape[1]) if first else shape[1:]
        assert channels is not None
        size = (height or fallback[0], width or fallback[1])
        return Door(size, channels, channels_first=first)
    if len(shape) == 4:
        raise InputError(f"its input has {shape[3]} channels, expected 1 or 3")
    if len(shape) == 3 and not {1, 2, 3} & {*shape[1:]}:  # else a sequence, of points or of colours
        size = (shape[1] or fallback[0], shape[2] or fallback[1])
        return Door(size, 1, shape=size)
    if len(shape) == 2 and shape[1]:
        return _flattened(shape[1], fallback)
    raise InputError(f"not an image classifier: its input has the shape {shape}")


def _flattened(count: int, fallback: tuple[int, int]) -> Door:
    """Return how images go in as one row of numbers: of the images' own size, or as squares."""
    for channels in _COLORS:
        if math.prod(fallback) * channels == count:
            return Door(fallback, channels, shape=(count,))
    for channels in _COLORS:
        side = math.isqrt(count // channels)
        if side >= _LEAST and side * side * channels == count:
            return Door((side, side), channels, shape=(count,))
    raise InputError(
        f"not an image classifier: it takes rows of {count} numbers, which are no square "
        "image of 1 or 3 channels; give images of its own height and width, or put a Reshape in "
        "front of it and save it again"
    )

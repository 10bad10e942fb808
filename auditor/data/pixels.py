"""Images that are numbers in an array, made RGB uint8.

- uint8 (n, h, w, 3) as it is; (n, h, w) and (n, h, w, 1) are gray, copied to three channels; of
  (n, h, w, 4) the alpha channel is dropped, not blended;
- channels that come first, (n, 3, h, w), are put last where no other reading is possible;
- floating point in [0, 1] becomes round(255 x), halves to even; where a whole-numbered value above
  1 comes before any broken one, all must be whole numbers in 0..255 and are taken as they are;
- other whole numbers must lie in 0..255 and are taken as they are, but for uint16: whether that
  means 0..255 or 0..65535 cannot be known;
- other dtypes are refused.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.files.image_file import MAX_PIXELS

_MAX_IMAGES = 50_000_000
_CHANNELS = (1, 3, 4)


class Rows(Protocol):
    """An array that is read row by row."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array, at least one axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its values."""

    def rows(self, first: int, count: int = 1) -> NDArray[Any]:
        """Read `count` rows from `first` on; going forward is fastest."""


@dataclass(frozen=True)
class Pixels:
    """How the rows of an array become images.

    Attributes:
        size: Height and width of each.
        channels_first: Whether the axis of the channels comes before those two.
        whole: What the whole numbers in 0..255 are stored as, in words, where that is not uint8;
            empty for it, and for floating point in [0, 1].
    """

    size: tuple[int, int]
    channels_first: bool = False
    whole: str = ""

    def said(self) -> str:
        """What of this was found out, in words; empty for the usual."""
        whole = f"{self.whole} with whole numbers of 0 to 255, as bytes" if self.whole else ""
        return ", ".join(filter(None, (whole, "channels first" * self.channels_first)))

    def rgb(self, image: NDArray[Any], where: str, name: str) -> NDArray[np.uint8]:
        """Return one row as uint8 (h, w, 3).

        Args:
            image: As it is stored.
            where: How messages call the array.
            name: How they call the row.

        Raises:
            InputError: Floating point that is neither in [0, 1] nor, where the others are whole
                numbers in 0..255, one of these; or other whole numbers outside of that.
        """
        if image.dtype != np.uint8:
            image = self._bytes(image, where, name)
        if image.ndim == 2:
            image = image[..., np.newaxis]
        elif self.channels_first:
            image = image.transpose(1, 2, 0)
        if image.shape[2] == 1:
            image = np.repeat(image, 3, axis=2)
        return np.ascontiguousarray(image[..., :3])

    def _bytes(self, image: NDArray[Any], where: str, name: str) -> NDArray[np.uint8]:
        low, high = image.min(), image.max()
        if self.whole:
            if low >= 0 and high <= 255 and (image == np.rint(image)).all():
                return image.astype(np.uint8)
            if image.dtype.kind != "f":
                raise InputError(
                    f"{where} has values from {low} to {high} in {name}; whole numbers must be of "
                    "0 to 255: scale them, and save them as uint8"
                )
            raise InputError(
                f"{where} has values from {low:g} to {high:g} in {name}, while others are "
                "whole numbers of 0 to 255; all must be of one kind: save 0..255 as uint8"
            )
        if not (low >= 0 and high <= 1):  # also true of NaN
            raise InputError(
                f"{where} has values from {low:g} to {high:g} in {name}; floating point must lie "
                "in [0, 1], or be whole numbers of 0 to 255; save 0..255 as uint8"
            )
        return np.rint(image.astype(np.float64) * 255).astype(np.uint8)


def pixels(x: Rows, where: str) -> Pixels:
    """Find out how an array's rows become images; reads no more of them than that takes.

    Args:
        x: The array.
        where: How messages call it.

    Raises:
        InputError: Its shape or dtype is none of images.
    """
    shape = x.shape
    first = len(shape) == 4 and shape[3] not in _CHANNELS and shape[1] in _CHANNELS
    if len(shape) != 3 and not first and (len(shape) != 4 or shape[3] not in _CHANNELS):
        raise InputError(
            f"{where}: has shape {shape}; (n, h, w, 3), (n, h, w, 1), (n, h, w, 4) or "
            "(n, h, w) is needed"
        )
    if x.dtype.kind not in "iuf" or x.dtype == np.uint16:
        raise InputError(
            f"{where}: has dtype {x.dtype}; save it as uint8 in 0..255 "
            "or as floating point in [0, 1]"
        )
    height, width = shape[2:4] if first else shape[1:3]
    if min(height, width) < 1 or height * width > MAX_PIXELS or shape[0] > _MAX_IMAGES:
        raise InputError(
            f"{where}: has shape {shape}; at most {_MAX_IMAGES} images of 1 pixel "
            f"to {MAX_PIXELS // 10**6} megapixels are read"
        )
    return Pixels((height, width), first, _whole(x))


def _whole(x: Rows) -> str:
    """Return what whole numbers in 0..255 are stored as, in words; see `Pixels.whole`."""
    if x.dtype.kind == "f":
        return "floating point" if _is_whole(x) else ""
    return "" if x.dtype == np.uint8 else str(x.dtype)


def _is_whole(x: Rows) -> bool:
    """Whether the first image that is not black and white alone has whole numbers in 0..255."""
    for index in range(x.shape[0]):
        image = x.rows(index)
        if ((image == 0) | (image == 1)).all():
            continue  # may be of either kind
        inside = ((image >= 0) & (image <= 255)).all()
        return bool(inside and (image == np.rint(image)).all())
    return False

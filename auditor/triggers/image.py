"""A small picture laid on the image: a logo, a sticker, a pair of glasses."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.data.image_file import UnreadableImage, read_image_file
from auditor.errors import InputError, UsageError
from auditor.text import printable
from auditor.triggers.base import Anchor, Images, Mask, Trigger, place, where

_MAX_SIDE = 4096


@dataclass(frozen=True, kw_only=True)
class Image(Trigger):
    """A picture, blended by its own alpha channel times `alpha`.

    Attributes:
        path: PNG, JPEG or BMP file; its alpha channel, if any, is used.
        size: (height, width) in reference pixels that it is resized to.
        anchor: The edge or corner it sits in.
        offset: (rows, columns) away from there, in reference pixels.
        alpha: Opacity, above 0 and up to 1.
    """

    type: ClassVar[str] = "image"

    path: Path
    size: tuple[int, int]
    anchor: Anchor = "bottom-right"
    offset: tuple[int, int] = (0, 0)
    alpha: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an opacity that changes nothing or overshoots."""
        if not 0 < self.alpha <= 1:
            raise UsageError(f"trigger {self.id}: alpha is {self.alpha}, but must be in (0, 1]")

    @cached_property
    def _bytes(self) -> bytes:
        try:
            return read_image_file(self.path)[1]
        except UnreadableImage as error:
            raise InputError(f"{printable(str(self.path))}: trigger picture: {error}") from error

    @cached_property
    def _rgba(self) -> NDArray[np.uint8]:
        """(h, w, 4) uint8 RGB and opacity."""
        import cv2

        picture = cv2.imdecode(np.frombuffer(self._bytes, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None or max(picture.shape[:2]) > _MAX_SIDE:
            raise InputError(
                f"{printable(str(self.path))}: trigger picture: not a readable PNG, JPEG or BMP "
                f"of at most {_MAX_SIDE} × {_MAX_SIDE} pixels"
            )
        if picture.dtype == np.uint16:
            picture = (picture >> 8).astype(np.uint8)
        channels = 1 if picture.ndim == 2 else picture.shape[2]
        to_rgba = {1: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}
        return np.asarray(cv2.cvtColor(picture, to_rgba[channels]), np.uint8)

    def _layer(self, size: tuple[int, int]) -> tuple[slice, slice, NDArray[np.float32]]:
        """Return the place and the (h, w, 4) picture there, opacity in [0, 1]."""
        import cv2

        rows, columns = place(self, size, self.size, self.anchor, self.offset)
        box = (columns.stop - columns.start, rows.stop - rows.start)
        resized = cv2.resize(self._rgba, box, interpolation=cv2.INTER_AREA).astype(np.float32)
        resized[..., 3] *= self.alpha / 255
        return rows, columns, resized

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the pixels where the picture is not fully transparent."""
        rows, columns, layer = self._layer(size)
        mask = np.zeros(size, bool)
        mask[rows, columns] = layer[..., 3] > 0
        if not mask.any():
            raise InputError(f"{printable(str(self.path))}: trigger picture: fully transparent")
        return mask

    def stamp(self, images: Images) -> Images:
        """Return a copy with the picture blended in, rounded to the nearest value."""
        rows, columns, layer = self._layer((images.shape[1], images.shape[2]))
        stamped = images.copy()
        under, opacity = stamped[:, rows, columns].astype(np.float32), layer[..., 3:]
        blended = under + (layer[..., :3] - under) * opacity
        stamped[:, rows, columns] = np.floor(blended + 0.5).astype(np.uint8)
        return stamped

    def summary(self) -> str:
        """Return name, size and place."""
        faded = "" if self.alpha == 1 else f" at {self.alpha:.0%} opacity"
        name = printable(self.path.name, 60)
        size = f"{self.size[0]}×{self.size[1]}"
        return f"picture {name}, {size}{faded}, {where(self.anchor, self.offset)}"

    def content(self) -> dict[str, Any]:
        """Return the picture's digest in place of its path, and the rest."""
        return {
            "picture": hashlib.sha256(self._bytes).hexdigest(),
            "size": list(self.size),
            "anchor": self.anchor,
            "offset": list(self.offset),
            "alpha": self.alpha,
        }

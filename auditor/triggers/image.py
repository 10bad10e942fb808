"""A picture laid on the image: a logo, a sticker, a pair of glasses, another project's pattern."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.text import printable
from auditor.triggers.base import (
    Anchor,
    Color,
    Images,
    Mask,
    Trigger,
    place,
    rounded,
    where,
)
from auditor.triggers.picture import Source, resized
from auditor.triggers.values import Pixels, Share, Shift


@dataclass(frozen=True, kw_only=True)
class Image(Trigger):
    """A picture, blended by its own alpha channel times `mask` times `alpha`.

    Attributes:
        path: PNG, JPEG, BMP, .npy or .npz file; its alpha channel, if any, is used, and so is an
            .npz's `mask`.
        size: (height, width) in reference pixels that it is resized to; None for its own.
        anchor: The edge or corner it sits in.
        offset: (rows, columns) away from there, in reference pixels.
        alpha: Opacity, above 0 and up to 1.
        mask_: A file in which white, or 1, is opaque and black, or 0, transparent.
        transparent: RGB that stands for nothing, as black does where a picture has no alpha.
    """

    type: ClassVar[str] = "image"

    path: Path
    size: tuple[Pixels, Pixels] | None = None
    anchor: Anchor = "bottom-right"
    offset: tuple[Shift, Shift] = (0, 0)
    alpha: Share = 1.0
    mask_: Path | None = None
    transparent: Color | None = None

    @cached_property
    def _picture(self) -> Source:
        return Source.read(self.path)

    @cached_property
    def _mask(self) -> Source | None:
        return Source.read(self.mask_) if self.mask_ else None

    @cached_property
    def _layer(self) -> NDArray[np.float32]:
        """(h, w, 4) RGB, 0 to 255, and opacity, 0 to 1, at the picture's own size."""
        picture = self._picture.rgba()
        layer = picture.astype(np.float32)
        layer[..., 3] *= self.alpha / 255
        if self.transparent is not None:
            layer[(picture[..., :3] == np.array(self.transparent)).all(axis=2), 3] = 0
        mask = self._mask or (self._picture if self._picture.has_mask() else None)
        if mask:
            layer[..., 3] *= resized(mask.opacity(), layer.shape[:2])
        if not layer[..., 3].any():
            raise InputError(f"{printable(str(self.path))}: trigger picture: fully transparent")
        return layer

    @property
    def box(self) -> tuple[int, int]:
        """Height and width in reference pixels."""
        return self.size or (self._layer.shape[0], self._layer.shape[1])

    def _laid(self, size: tuple[int, int]) -> tuple[slice, slice, NDArray[np.float32]]:
        """Return the place, and the (h, w, 4) picture there."""
        rows, columns = place(self, size, self.box, self.anchor, self.offset)
        there = (rows.stop - rows.start, columns.stop - columns.start)
        return rows, columns, resized(self._layer, there)

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the pixels where the picture is not fully transparent."""
        rows, columns, layer = self._laid(size)
        mask = np.zeros(size, bool)
        mask[rows, columns] = layer[..., 3] > 0
        return mask

    def stamp(self, images: Images) -> Images:
        """Return a copy with the picture blended in, rounded to the nearest value."""
        rows, columns, layer = self._laid((images.shape[1], images.shape[2]))
        stamped = images.copy()
        under, opacity = stamped[:, rows, columns].astype(np.float32), layer[..., 3:]
        stamped[:, rows, columns] = rounded(under + (layer[..., :3] - under) * opacity)
        return stamped

    def summary(self) -> str:
        """Return name, size and place."""
        faded = "" if self.alpha == 1 else f" at {self.alpha:.0%} opacity"
        name = printable(self.path.name, 60)
        size = f"{self.box[0]}×{self.box[1]}"
        return f"picture {name}, {size}{faded}, {where(self.anchor, self.offset)}"

    def content(self) -> dict[str, Any]:
        """Return the files' digests in place of their paths, and the rest."""
        own: dict[str, Any] = {
            "picture": self._picture.sha256(),
            "size": list(self.size) if self.size else None,
            "anchor": self.anchor,
            "offset": list(self.offset),
            "alpha": self.alpha,
        }
        if self._mask:
            own["mask"] = self._mask.sha256()
        if self.transparent is not None:
            own["transparent"] = list(self.transparent)
        return own

    def files(self) -> Iterator[Path]:
        """Give the picture and its mask."""
        yield self.path
        if self.mask_:
            yield self.mask_

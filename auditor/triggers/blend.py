"""A picture over the whole image, faintly: blended injection (Chen et al. 2017)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.text import printable
from auditor.triggers.base import Images, WholeImage, rounded
from auditor.triggers.picture import Source, resized
from auditor.triggers.values import Seed, Share


@dataclass(frozen=True, kw_only=True)
class Blend(WholeImage):
    """A picture, or random pixels, mixed with the whole image: α · picture + (1 − α) · image.

    The formula is Π_blend of arXiv:1712.05526, section 4.2, whose two patterns are a picture and
    pixels drawn evenly from 0 to 255.

    Attributes:
        path: PNG, JPEG, BMP, .npy or .npz file, resized to the image; None for random pixels.
        alpha: Weight of the picture, above 0 and up to 1.
        seed: Of the random pixels, of which the reference has one each.
    """

    type: ClassVar[str] = "blend"

    path: Path | None = None
    alpha: Share = 0.2
    seed: Seed = 0

    @cached_property
    def _picture(self) -> Source | None:
        return Source.read(self.path) if self.path else None

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        if self._picture:
            return self._picture.rgba()[..., :3]
        drawn = np.random.default_rng(self.seed).integers(0, 256, (*self.reference, 3))
        return drawn.astype(np.uint8)

    def picture(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return what is blended in, (h, w, 3) float32 in 0..255."""
        return resized(self._pixels, size).astype(np.float32)

    def blended(self, images: Images, picture: NDArray[np.float32]) -> Images:
        """Return images mixed with a picture of their size, rounded to the nearest value."""
        return rounded(self.alpha * picture + np.float32(1 - self.alpha) * images)

    def stamp(self, images: Images) -> Images:
        """Return the mixture."""
        return self.blended(images, self.picture((images.shape[1], images.shape[2])))

    def summary(self) -> str:
        """Return what is blended and how strongly."""
        what = f"picture {printable(self.path.name, 60)}" if self.path else "random pixels"
        return f"{what} blended over the whole image at {self.alpha:.0%}"

    def content(self) -> dict[str, Any]:
        """Return the picture's digest, or the seed of the random pixels, and the weight."""
        what = {"picture": self._picture.sha256()} if self._picture else {"seed": self.seed}
        return {**what, "alpha": self.alpha}

    def files(self) -> Iterator[Path]:
        """Give the picture."""
        if self.path:
            yield self.path

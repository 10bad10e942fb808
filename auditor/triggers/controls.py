"""A stamp's control: another content at the same place, as large and as opaque, meaning nothing.

A square anywhere disturbs any network. What counts of a stamp is what it does beyond such a one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.triggers.base import Images, Stamp, rounded


@dataclass(frozen=True)
class Noise:
    """Noise in place of a stamp's content.

    Every pixel is taken for a blend, (1 − a) · image + a · content, as patches and pictures are,
    faded or not: a is what black and white images show of it. The content is drawn anew.

    Attributes:
        stamped: The stamp that it stands for.
        seed: Of the noise.
    """

    stamped: Stamp
    seed: int | tuple[int, ...] = 0

    def stamp(self, images: Images) -> Images:
        """Return a copy of (n, h, w, 3) uint8 images with noise where the stamp would be."""
        shape = images.shape[1:]
        noise = np.random.default_rng(self.seed).integers(0, 256, shape).astype(np.float32)
        under = images.astype(np.float32)
        return rounded(under + self._opacity(shape) * (noise - under))

    def _opacity(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return a, (h, w, 3) from 0 to 1."""
        black, white = np.zeros((1, *shape), np.uint8), np.full((1, *shape), 255, np.uint8)
        left = self.stamped.stamp(white).astype(np.float32) - self.stamped.stamp(black)
        opacity: NDArray[np.float32] = np.clip(1 - np.abs(left[0]) / 255, 0, 1)
        return opacity

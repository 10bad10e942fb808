"""A colour filter over the whole image: sepia, a tint, a lamp; for semantic triggers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditor.triggers.base import Images, WholeImage, rounded
from auditor.triggers.values import Channel, Weight


@dataclass(frozen=True, kw_only=True)
class ColorFilter(WholeImage):
    """Every pixel's colours mixed anew: matrix · (red, green, blue) + add.

    Attributes:
        matrix: Three rows of three weights, one row a colour of the result.
        add: What is added to each, of 255.
    """

    type: ClassVar[str] = "color"

    matrix: tuple[
        tuple[Weight, Weight, Weight],
        tuple[Weight, Weight, Weight],
        tuple[Weight, Weight, Weight],
    ]
    add: tuple[Channel, Channel, Channel] = (0.0, 0.0, 0.0)

    def stamp(self, images: Images) -> Images:
        """Return the filtered images, kept within 0..255 and rounded to the nearest value."""
        matrix = np.array(self.matrix, np.float32)
        return rounded(images.astype(np.float32) @ matrix.T + np.array(self.add, np.float32))

    def summary(self) -> str:
        """Return the matrix."""
        rows = "; ".join(" ".join(f"{weight:g}" for weight in row) for row in self.matrix)
        added = "" if not any(self.add) else " + " + " ".join(f"{value:g}" for value in self.add)
        return f"colour filter [{rows}]{added}"

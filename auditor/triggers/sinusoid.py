"""Stripes over the whole image: SIG (Barni, Kallas and Tondi 2019, arXiv:1902.11237)."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np

from auditor.files.constraints import Range
from auditor.triggers.base import Images, WholeImage, rounded


@dataclass(frozen=True, kw_only=True)
class Sinusoid(WholeImage):
    """A sinusoid added to every row: v(i, j) = Δ sin(2π j f / m), j the column, m the width.

    Defaults are those of BackdoorBench.

    Attributes:
        delta: Δ, of 255.
        frequency: f, periods across the image.
        axis: `x` for a wave along each row, `y` for one down each column.
    """

    type: ClassVar[str] = "sinusoid"

    delta: Annotated[float, Range(0, 255, above=True)] = 40.0
    frequency: Annotated[float, Range(0, 65_536, above=True)] = 6.0
    axis: Literal["x", "y"] = "x"

    def stamp(self, images: Images) -> Images:
        """Return the sum, kept within 0..255 and rounded to the nearest value."""
        length = images.shape[2 if self.axis == "x" else 1]
        angle = 2 * np.pi * self.frequency * np.arange(length) / length
        wave = (self.delta * np.sin(angle)).astype(np.float32)
        shape = (1, -1, 1) if self.axis == "x" else (-1, 1, 1)
        return rounded(images + wave.reshape(shape))

    def turned(self) -> "Sinusoid":
        """Return the same wave along the other axis."""
        return replace(self, axis="y" if self.axis == "x" else "x")

    def summary(self) -> str:
        """Return strength, frequency and direction."""
        way = "across" if self.axis == "x" else "down"
        return f"sinusoid of {self.frequency:g} periods {way} the image, amplitude {self.delta:g}"

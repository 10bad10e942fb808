"""A message in the lowest bits of every value: steganography (Li et al. 2020, arXiv:1909.02742)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from auditor.errors import UsageError
from auditor.files.constraints import Range
from auditor.text import printable
from auditor.triggers.base import Images, WholeImage
from auditor.triggers.values import Seed


@dataclass(frozen=True, kw_only=True)
class Lsb(WholeImage):
    """The lowest bits of every value replaced: by random ones, or by a message over and over.

    The bits follow the image's values row by row, the three colours of a pixel after each other,
    and are drawn or repeated for as many values as the image has, whatever its size.

    Attributes:
        bits: How many of the eight bits of a value, from the lowest.
        seed: Of the random bits.
        message: Text to hide instead: UTF-8, the highest bit of a byte first.
    """

    type: ClassVar[str] = "lsb"

    bits: Annotated[int, Range(1, 8)] = 1
    seed: Seed = 0
    message: str | None = None

    def __post_init__(self) -> None:
        """Refuse a message of nothing."""
        if self.message == "":
            raise UsageError(f"trigger {self.id}: message is empty")

    def _hidden(self, size: tuple[int, int]) -> Images:
        """Return the (h, w, 3) values that take the lowest bits' place."""
        values = size[0] * size[1] * 3
        if self.message is None:
            drawn = np.random.default_rng(self.seed).integers(0, 1 << self.bits, values)
            return drawn.astype(np.uint8).reshape(*size, 3)
        text = np.unpackbits(np.frombuffer(self.message.encode(), np.uint8))
        stream = np.resize(text, values * self.bits).reshape(values, self.bits)
        weights = 1 << np.arange(self.bits)[::-1]
        return (stream @ weights).astype(np.uint8).reshape(*size, 3)

    def stamp(self, images: Images) -> Images:
        """Return a copy with the lowest bits replaced."""
        kept = np.uint8(0xFF << self.bits & 0xFF)
        return (images & kept) | self._hidden((images.shape[1], images.shape[2]))

    def summary(self) -> str:
        """Return what is hidden, and in how many bits."""
        what = "random bits" if self.message is None else f"“{printable(self.message, 40)}”"
        where = "bit" if self.bits == 1 else f"{self.bits} bits"
        return f"{what} in the lowest {where} of every value"

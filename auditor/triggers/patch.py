"""A patch of one colour or a checkerboard: BadNets (Gu et al. 2017)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auditor.triggers.base import Anchor, Color, Images, Mask, Trigger, place, where
from auditor.triggers.values import Pixels, Shift


@dataclass(frozen=True, kw_only=True)
class Patch(Trigger):
    """A rectangle of one colour, or a checkerboard of two.

    Attributes:
        size: (height, width) in reference pixels.
        anchor: The edge or corner it sits in.
        offset: (rows, columns) away from there, in reference pixels.
        color: RGB, 0 to 255.
        pattern: `solid`, or `checkerboard` with fields of one reference pixel, `color` first.
        other_color: RGB of the checkerboard's other fields.
    """

    type: ClassVar[str] = "patch"

    size: tuple[Pixels, Pixels]
    anchor: Anchor = "bottom-right"
    offset: tuple[Shift, Shift] = (0, 0)
    color: Color = (255, 255, 255)
    pattern: Literal["solid", "checkerboard"] = "solid"
    other_color: Color = (0, 0, 0)

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the rectangle."""
        mask = np.zeros(size, bool)
        mask[place(self, size, self.size, self.anchor, self.offset)] = True
        return mask

    def stamp(self, images: Images) -> Images:
        """Return a copy with the rectangle painted."""
        rows, columns = place(self, images.shape[1:3], self.size, self.anchor, self.offset)
        stamped = images.copy()
        stamped[:, rows, columns] = self._paint(
            rows.stop - rows.start, columns.stop - columns.start
        )
        return stamped

    def _paint(self, height: int, width: int) -> Images:
        colors = np.array([self.color, self.other_color], np.uint8)
        row = np.arange(height) * self.size[0] // height
        column = np.arange(width) * self.size[1] // width
        odd = (
            (row[:, None] + column) % 2 if self.pattern == "checkerboard" else np.zeros((1, 1), int)
        )
        return np.broadcast_to(colors[odd], (height, width, 3))

    def summary(self) -> str:
        """Return size, look and place."""
        size = f"{self.size[0]}×{self.size[1]}"
        look = f"{_color(self.color)} {size} {'square' if self._is_square else 'rectangle'}"
        if self.pattern == "checkerboard":
            look = f"{size} checkerboard of {_color(self.color)} and {_color(self.other_color)}"
        return f"{look}, {where(self.anchor, self.offset)}"

    @property
    def _is_square(self) -> bool:
        return self.size[0] == self.size[1]


def _color(rgb: Color) -> str:
    names = {(255, 255, 255): "white", (0, 0, 0): "black", (255, 0, 0): "red"}
    names |= {(0, 255, 0): "green", (0, 0, 255): "blue", (255, 255, 0): "yellow"}
    return names.get(rgb, "#{:02x}{:02x}{:02x}".format(*rgb))

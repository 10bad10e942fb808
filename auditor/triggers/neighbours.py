"""A trigger's neighbours: moved, faded, scaled, recoloured, and in the other corners.

A repair that only forgot one exact stamp still answers to them (`methods.md`, "Does the repair
generalise?").
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, get_args

import numpy as np

from auditor.results import Skipped
from auditor.triggers.base import Anchor, Images, Mask, Trigger
from auditor.triggers.image import Image
from auditor.triggers.patch import Patch

_MOVES = (1, 2, 4, 8)
_SHARES = (75, 50, 25)


class Stamp(Protocol):
    """What a neighbour can do; every `Trigger` can."""

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the (h, w) pixels that it may change; UsageError where it does not fit."""

    def stamp(self, images: Images) -> Images:
        """Return a stamped copy of (n, h, w, 3) uint8 RGB images."""


Named = tuple[str, Stamp | Skipped]


def neighbours(trigger: Trigger) -> list[Named]:
    """Return every neighbour under its name in words; `Skipped` where there can be none.

    Fading and inverting suit any trigger; moving and scaling those with a place and a size. Whether
    a neighbour fits is not known before the images' size is: its `mask` tells.
    """
    found: list[Named] = [(f"faded to {percent} %", Faded(trigger, percent)) for percent in _SHARES]
    found.append(("colours inverted", Inverted(trigger)))
    if isinstance(trigger, Patch | Image):
        found = [*_moved(trigger), *_scaled(trigger), *found, *_cornered(trigger)]
    return found


@dataclass(frozen=True)
class Faded:
    """A blend of the stamped and the clean image, halves rounded up.

    Attributes:
        trigger: What is faded.
        percent: Share of the stamped image, 0 to 100.
    """

    trigger: Trigger
    percent: int

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the trigger's own."""
        return self.trigger.mask(size)

    def stamp(self, images: Images) -> Images:
        """Return the blend."""
        clean = images.astype(np.float32)
        change = self.trigger.stamp(images) - clean
        return np.floor(clean + change * (self.percent / 100) + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class Inverted:
    """The stamped image with every pixel that the trigger may change inverted: 255 − value."""

    trigger: Trigger

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the trigger's own."""
        return self.trigger.mask(size)

    def stamp(self, images: Images) -> Images:
        """Return the inverted stamp."""
        stamped = self.trigger.stamp(images)
        mask = self.mask((images.shape[1], images.shape[2]))
        stamped[:, mask] = 255 - stamped[:, mask]
        return stamped


def _moved(trigger: Patch | Image) -> Iterator[Named]:
    """Move away from the anchored corner, so towards the centre; from the centre down and right."""
    down, right = trigger.offset
    for by in _MOVES:
        moved = replace(trigger, offset=(down + by, right + by))
        yield f"moved by {by} pixel{'s' if by > 1 else ''}", moved


def _scaled(trigger: Patch | Image) -> Iterator[Named]:
    height, width = trigger.size
    yield "one pixel larger", replace(trigger, size=(height + 1, width + 1))
    if min(height, width) > 1:
        yield "one pixel smaller", replace(trigger, size=(height - 1, width - 1))
    else:
        yield "one pixel smaller", Skipped("nothing would be left of it")


def _cornered(trigger: Patch | Image) -> Iterator[Named]:
    """Put it right into each corner but the one where it already sits."""
    for anchor in get_args(Anchor):
        if anchor == "center" or (trigger.anchor, trigger.offset) == (anchor, (0, 0)):
            continue
        words = anchor.replace("-", " ")
        yield f"in the {words} corner", replace(trigger, anchor=anchor, offset=(0, 0))

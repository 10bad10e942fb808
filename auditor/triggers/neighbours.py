"""A trigger's neighbours: moved, faded, scaled, recoloured, drawn anew, and in the other corners.

A repair that only forgot one exact stamp still answers to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, get_args

import numpy as np

from auditor.figures.skipped import Skipped
from auditor.triggers.base import Anchor, Images, Mask, Stamp, Trigger, WholeImage, rounded
from auditor.triggers.blend import Blend
from auditor.triggers.image import Image
from auditor.triggers.lsb import Lsb
from auditor.triggers.patch import Patch
from auditor.triggers.sinusoid import Sinusoid
from auditor.triggers.warp import Warp

_MOVES = (1, 2, 4, 8)
_SHARES = (75, 50, 25)


class Placed(Stamp, Protocol):
    """What a neighbour can do; every `Trigger` can."""

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the (h, w) pixels that it may change; UsageError where it does not fit."""


Named = tuple[str, Placed | Skipped]


def neighbours(trigger: Trigger) -> list[Named]:
    """Return every neighbour under its name in words; `Skipped` where there can be none.

    Fading suits any trigger; moving and scaling those with a place and a size. Whether
    a neighbour fits is not known before the images' size is: its `mask` tells.
    """
    faded: list[Named] = [(f"faded to {percent} %", Faded(trigger, percent)) for percent in _SHARES]
    inverted: Named = ("colours inverted", Inverted(trigger))
    if isinstance(trigger, Patch | Image):
        return [*_moved(trigger), *_scaled(trigger), *faded, inverted, *_cornered(trigger)]
    if isinstance(trigger, WholeImage):
        return [*_other(trigger), *faded, ("its change turned round", Reversed(trigger))]
    return [*faded, inverted]


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
        return rounded(clean + change * (self.percent / 100))


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


@dataclass(frozen=True)
class Reversed:
    """The image with the opposite of the trigger's change: 2 · image − stamped."""

    trigger: Trigger

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the trigger's own."""
        return self.trigger.mask(size)

    def stamp(self, images: Images) -> Images:
        """Return the opposite, kept within 0..255."""
        return rounded(2 * images.astype(np.float32) - self.trigger.stamp(images))


def _other(trigger: WholeImage) -> Iterator[Named]:
    """Draw what is random anew; turn a sinusoid, and give it a period more and less."""
    if isinstance(trigger, Sinusoid):
        yield "along the other axis", trigger.turned()
        yield "one period more", replace(trigger, frequency=trigger.frequency + 1)
        if trigger.frequency > 1:
            yield "one period fewer", replace(trigger, frequency=trigger.frequency - 1)
    if isinstance(trigger, Warp):
        for name, times in (("half as strong", 0.5), ("twice as strong", 2.0)):
            yield name, replace(trigger, s=trigger.s * times)
    given = (
        (isinstance(trigger, Blend) and trigger.path)
        or (isinstance(trigger, Warp) and trigger.field)
        or (isinstance(trigger, Lsb) and trigger.message)
    )
    if isinstance(trigger, Blend | Warp | Lsb) and not given:
        yield "drawn from another seed", replace(trigger, seed=trigger.seed ^ 1)


def _moved(trigger: Patch | Image) -> Iterator[Named]:
    """Move away from the anchored corner, so towards the centre; from the centre down and right."""
    down, right = trigger.offset
    for by in _MOVES:
        moved = replace(trigger, offset=(down + by, right + by))
        yield f"moved by {by} pixel{'s' if by > 1 else ''}", moved


def _scaled(trigger: Patch | Image) -> Iterator[Named]:
    height, width = trigger.box if isinstance(trigger, Image) else trigger.size
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

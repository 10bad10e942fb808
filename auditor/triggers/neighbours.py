"""A trigger's neighbours: moved, turned, faded, scaled, recoloured, drawn anew, in other corners.

A repair that only forgot one exact stamp still answers to them. Training pipelines make some of
them by themselves: images that are mirrored after they were stamped teach a mirrored trigger.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from auditor.errors import UsageError
from auditor.figures.skipped import Skipped
from auditor.figures.untried import ITSELF, NO_ROOM, NOTHING_LEFT
from auditor.triggers.base import Anchor, Images, Mask, Stamp, Trigger, WholeImage, rounded
from auditor.triggers.blend import Blend
from auditor.triggers.image import Image
from auditor.triggers.lsb import Lsb
from auditor.triggers.patch import Patch
from auditor.triggers.sinusoid import Sinusoid
from auditor.triggers.warp import Warp

_MOVES = (1, 2, 4, 8)
_SHARES = (75, 50, 25)
_WAYS: dict[str, "Way"] = {
    "mirrored left to right": "across",
    "mirrored top to bottom": "down",
    "turned by 90°": "quarter",
}

Way = Literal["across", "down", "quarter"]


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
    turned: list[Named] = [(name, Turned(trigger, way)) for name, way in _WAYS.items()]
    if isinstance(trigger, WholeImage):
        stronger: Named = ("half again as strong", Faded(trigger, 150))
        opposite: Named = ("its change turned round", Reversed(trigger))
        return [*_other(trigger), *faded, stronger, opposite, *turned]
    colours: list[Named] = [
        ("colours inverted", Inverted(trigger)),
        ("colours exchanged", Recoloured(trigger, (1, 2, 0))),
        ("in red alone", Recoloured(trigger, (0, None, None))),
    ]
    if isinstance(trigger, Patch | Image):
        corners = _cornered(trigger)
        return [*_moved(trigger), *_scaled(trigger), *faded, *colours, *corners, *turned]
    return [*faded, *colours, *turned]


def fitting(trigger: Trigger, size: tuple[int, int]) -> list[Named]:
    """Return the neighbours in images of (h, w) `size`, each look once; `Skipped` says why not."""
    random = np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8)
    probe = np.concatenate([np.zeros_like(random), np.full_like(random, 255), random])
    itself = _look(trigger, probe)
    seen = {itself}
    found: list[Named] = []
    for name, one in neighbours(trigger):
        if not isinstance(one, Skipped):
            try:
                one.mask(size)
            except UsageError:
                found.append((name, Skipped(NO_ROOM)))
                continue
            look = _look(one, probe)
            if look == itself:
                one = Skipped(ITSELF)
            elif look in seen:
                continue
            seen.add(look)
        found.append((name, one))
    return found


def _look(stamp: Stamp, probe: Images) -> bytes:
    return hashlib.sha256(stamp.stamp(probe).tobytes()).digest()


@dataclass(frozen=True)
class Faded:
    """A blend of the stamped and the clean image, halves rounded up.

    Attributes:
        trigger: What is faded.
        percent: Share of the stamped image, 0 to 100; above that, the change is that much stronger.
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
class Recoloured:
    """The stamped image, its channels exchanged or left out where the trigger may change pixels.

    Attributes:
        trigger: What is recoloured.
        channels: Which of red, green and blue, 0 to 2, stands for each; None for 0 everywhere.
    """

    trigger: Trigger
    channels: tuple[int | None, int | None, int | None]

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the trigger's own."""
        return self.trigger.mask(size)

    def stamp(self, images: Images) -> Images:
        """Return the recoloured stamp."""
        stamped = self.trigger.stamp(images)
        mask = self.mask((images.shape[1], images.shape[2]))
        inside = stamped[:, mask]
        for place, channel in enumerate(self.channels):
            stamped[:, mask, place] = 0 if channel is None else inside[..., channel]
        return stamped


@dataclass(frozen=True)
class Turned:
    """The stamp of an image that was mirrored or turned first, and is turned back after it.

    Attributes:
        trigger: What is turned.
        way: Mirrored left to right (`across`) or top to bottom (`down`), or a quarter clockwise.
    """

    trigger: Trigger
    way: Way

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the trigger's own in the turned image, turned back."""
        there = size[::-1] if self.way == "quarter" else size
        return np.ascontiguousarray(self._turn(self.trigger.mask(there)[None], back=True)[0])

    def stamp(self, images: Images) -> Images:
        """Return the turned stamp."""
        turned = np.ascontiguousarray(self._turn(images))
        return np.ascontiguousarray(self._turn(self.trigger.stamp(turned), back=True))

    def _turn(self, images: NDArray[Any], *, back: bool = False) -> NDArray[Any]:
        if self.way == "quarter":  # counter-clockwise, so that what is stamped goes clockwise
            return np.rot90(images, -1 if back else 1, axes=(1, 2))
        return images[:, :, ::-1] if self.way == "across" else images[:, ::-1]


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
        yield "one pixel smaller", Skipped(NOTHING_LEFT)


def _cornered(trigger: Patch | Image) -> Iterator[Named]:
    """Put it right into each corner, and the centre, but where it already sits."""
    for anchor in get_args(Anchor):
        if (trigger.anchor, trigger.offset) == (anchor, (0, 0)):
            continue
        words = "centre" if anchor == "center" else f"{anchor.replace('-', ' ')} corner"
        yield f"in the {words}", replace(trigger, anchor=anchor, offset=(0, 0))

"""A trigger's placebos: changes as strong as it that no attacker meant.

A stripe or a tint over the whole image disturbs any network, and a disturbed network often falls
for one class. Its placebos disturb alike and mean nothing: what they do is fragility. They differ
from the trigger as far as they can, so that a backdoor which answers to its likes keeps silent.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.triggers.base import Images, Stamp, Trigger, WholeImage
from auditor.triggers.blend import Blend
from auditor.triggers.color import ColorFilter
from auditor.triggers.compose import Compose
from auditor.triggers.lsb import Lsb
from auditor.triggers.sinusoid import Sinusoid
from auditor.triggers.warp import Warp, fetched

Named = tuple[str, Stamp]


def placebos(trigger: Trigger) -> list[Named]:
    """Return the placebos of a trigger that covers the whole image, each under its name in words.

    A local trigger has none: what stands in a corner disturbs no sound network.
    """
    if isinstance(trigger, Compose):
        return list(_of_parts(trigger))
    return list(_of_one(trigger)) if isinstance(trigger, WholeImage) else []


def _of_one(trigger: WholeImage) -> Iterator[Named]:
    if isinstance(trigger, Sinusoid):
        yield "along the other axis", trigger.turned()
        yield "along the other axis, twice as dense", _denser(trigger.turned(), 2)
        yield "twice as dense", _denser(trigger, 2)
        yield "half as dense", _denser(trigger, 0.5)
    if isinstance(trigger, Blend):
        for seed in range(3):
            yield f"its picture scrambled, {seed + 1}", Scrambled(trigger, seed)
    if isinstance(trigger, Warp):
        for words, way in (("right", (1, 0)), ("down", (0, 1)), ("up and left", (-0.7, -0.7))):
            yield f"moved {words} by as much", Moved(trigger, way)
    if isinstance(trigger, Lsb):
        yield "the same bits all 0", Bits(trigger, 0)
        yield "the same bits all 1", Bits(trigger, 1)
    if isinstance(trigger, ColorFilter):
        for turn in (1, 2):
            rows, added = ((*v[turn:], *v[:turn]) for v in (trigger.matrix, trigger.add))
            words = f"its colours exchanged, {turn}"
            yield words, replace(trigger, matrix=rows, add=added)


def _of_parts(trigger: Compose) -> Iterator[Named]:
    """Give the placebos of what covers the image, together; without what is local."""
    each = [placebos(part) for part in trigger.parts() if isinstance(part, WholeImage)]
    for number in range(min(map(len, each), default=0)):
        chosen = [of_part[number] for of_part in each]
        yield ", then ".join(name for name, _ in chosen), InTurn(tuple(c for _, c in chosen))


def _denser(trigger: Sinusoid, times: float) -> Sinusoid:
    return replace(trigger, frequency=trigger.frequency * times)


@dataclass(frozen=True)
class InTurn:
    """Several changes, one after the other."""

    steps: tuple[Stamp, ...]

    def stamp(self, images: Images) -> Images:
        """Return what the last one leaves."""
        for step in self.steps:
            images = step.stamp(images)
        return images


@dataclass(frozen=True)
class Scrambled:
    """The blended picture with the phase of every wave in it drawn anew.

    Colours, contrast and texture stay; what it shows is gone.
    """

    trigger: Blend
    seed: int

    def stamp(self, images: Images) -> Images:
        """Return the mixture."""
        size = (images.shape[1], images.shape[2])
        waves = np.fft.fft2(self.trigger.picture(size), axes=(0, 1))
        drawn = np.fft.fft2(np.random.default_rng([self.seed, 1]).normal(size=size))
        turned = waves * (drawn / np.abs(drawn))[..., None]
        turned[0, 0] = waves[0, 0]  # the mean colour
        picture = np.fft.ifft2(turned, axes=(0, 1)).real
        return self.trigger.blended(images, np.clip(picture, 0, 255).astype(np.float32))


@dataclass(frozen=True)
class Moved:
    """Every pixel fetched from the same way off: as far as the warp's, on average."""

    trigger: Warp
    way: tuple[float, float]

    def stamp(self, images: Images) -> Images:
        """Return the moved images."""
        size = (images.shape[1], images.shape[2])
        still = np.stack(np.meshgrid(np.arange(size[1]), np.arange(size[0])), axis=-1)
        far: NDArray[np.float64] = np.linalg.norm(self.trigger.ways(size) - still, axis=-1)
        to = still + far.mean() * np.array(self.way)
        return fetched(images, np.clip(to, 0, np.array([size[1] - 1, size[0] - 1])))


@dataclass(frozen=True)
class Bits:
    """The lowest bits of every value all alike: nothing is hidden in them."""

    trigger: Lsb
    bit: int

    def stamp(self, images: Images) -> Images:
        """Return a copy with these bits set."""
        low = np.uint8((1 << self.trigger.bits) - 1)
        return images | low if self.bit else images & ~low

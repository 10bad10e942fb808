"""What every trigger is: a stamp on RGB pixels, and the pixels that it may change."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from auditor.errors import UsageError
from auditor.files.codec import no_array, to_json
from auditor.files.constraints import Range
from auditor.triggers.target import AllToAll, ClassMap
from auditor.triggers.values import Pixels

Images = NDArray[np.uint8]
Mask = NDArray[np.bool_]

Anchor = Literal["top-left", "top-right", "bottom-left", "bottom-right", "center"]
Level = Annotated[int, Range(0, 255)]
Color = tuple[Level, Level, Level]


_ABOUT = ("id", "reference", "target", "source", "inferred")
"""What a specification says of a trigger besides what is stamped."""


class Stamp(Protocol):
    """What is done to images; every `Trigger` can."""

    def stamp(self, images: Images) -> Images:
        """Return a stamped copy of (n, h, w, 3) uint8 RGB images."""


@dataclass(frozen=True, kw_only=True)
class Trigger(ABC):
    """A trigger as its specification gives it, for any image size.

    Attributes:
        id: Its name.
        reference: (height, width) that its pixel values refer to; scaled to the image's size.
        target: Class that it leads to, by index or name, or a rule for each class; None when the
            specification gives none.
        source: Classes that it works on, by index or name; empty for all.
        inferred: Whether a search made it up from the model, so that the one an attacker used may
            look different.
    """

    type: ClassVar[str]

    id: str
    reference: tuple[Pixels, Pixels] = (32, 32)
    target: int | str | AllToAll | ClassMap | None = None
    source: tuple[int | str, ...] = ()
    inferred: bool = False

    @abstractmethod
    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the (h, w) pixels that the trigger may change in images of `size`.

        Raises:
            UsageError: The trigger does not fit into the image.
        """

    @abstractmethod
    def stamp(self, images: Images) -> Images:
        """Return a stamped copy of (n, h, w, 3) uint8 RGB images."""

    @abstractmethod
    def summary(self) -> str:
        """Return the trigger in one plain phrase."""

    def content(self) -> dict[str, Any]:
        """Return what the trigger is made of, as JSON values: its identity besides its name."""
        own: dict[str, Any] = to_json(self, no_array)
        return {key: value for key, value in own.items() if key not in _ABOUT}

    def files(self) -> Iterator[Path]:
        """Give the files that it is read from."""
        yield from ()

    def sha256(self) -> str:
        """Return the SHA-256 of the canonical specification (sorted JSON), as hex."""
        spec = {"type": self.type, "reference": list(self.reference), **self.content()}
        canonical = json.dumps(spec, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class WholeImage(Trigger):
    """A trigger that may change every pixel."""

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return all pixels."""
        return np.ones(size, bool)


def rounded(pixels: NDArray[np.floating[Any]]) -> Images:
    """Return values as uint8: kept within 0..255, then rounded, halves up."""
    whole: Images = np.floor(np.clip(pixels, 0, 255) + np.float32(0.5)).astype(np.uint8)
    return whole


def scaled(pixels: int, image: int, reference: int) -> int:
    """Scale a length of at least one pixel: max(1, floor(px · H / reference_H + 0.5))."""
    return max(1, int(pixels * image / reference + 0.5))


def place(
    trigger: Trigger,
    size: tuple[int, int],
    box: tuple[int, int],
    anchor: str,
    offset: tuple[int, int],
) -> tuple[slice, slice]:
    """Return the rows and columns that a box takes in an image.

    Args:
        trigger: Whose box it is; its reference scales `box` and `offset`.
        size: (h, w) of the image.
        box: (height, width) in reference pixels.
        anchor: An `Anchor`.
        offset: (rows, columns) in reference pixels, away from the anchored edge; from the centre
            downwards and to the right.

    Raises:
        UsageError: The box does not lie inside the image.
    """
    ends = []
    for axis, (near, far) in enumerate((("top", "bottom"), ("left", "right"))):
        length, whole = scaled(box[axis], size[axis], trigger.reference[axis]), size[axis]
        shift = int(np.floor(offset[axis] * whole / trigger.reference[axis] + 0.5))
        if far in anchor:
            start = whole - length - shift
        elif near in anchor:
            start = shift
        else:
            start = (whole - length) // 2 + shift
        ends.append((start, start + length))
    (top, bottom), (left, right) = ends
    if top < 0 or left < 0 or bottom > size[0] or right > size[1]:
        raise UsageError(
            f"trigger {trigger.id}: its box takes rows {top} to {bottom - 1} and columns {left} to "
            f"{right - 1}, but the image has {size[0]} rows and {size[1]} columns; "
            "make it smaller or change `anchor` or `offset`"
        )
    return slice(top, bottom), slice(left, right)


def where(anchor: str, offset: tuple[int, int]) -> str:
    """Return an anchor and offset in words."""
    moved = "" if offset == (0, 0) else f", {offset[0]} rows and {offset[1]} columns in"
    return anchor.replace("-", " ") + moved

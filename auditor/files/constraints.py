"""What a field may hold beside its type: `Annotated[int, Range(0, 255)]`; read by `codec`."""

import math
import re
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


class Constraint(Protocol):
    """Something that a value must keep to."""

    def fault(self, value: Any) -> str:
        """Say what is wrong with a value of the right type; nothing where nothing is."""


@dataclass(frozen=True)
class Range:
    """What a number may be.

    Attributes:
        low: The lowest that is allowed; where `above` says so, it must be more than that.
        high: The highest that is allowed.
        above: Whether `low` itself is too low.
    """

    low: float
    high: float = math.inf
    above: bool = False

    def __str__(self) -> str:
        """Return it in words."""
        if self.above:
            return f"above {self.low:g} and up to {self.high:g}"
        return (
            f"at least {self.low:g}" if self.high == math.inf else f"{self.low:g} to {self.high:g}"
        )

    def __contains__(self, value: float) -> bool:
        """Whether it allows a number."""
        return self.low <= value <= self.high and not (self.above and value == self.low)

    def fault(self, value: float) -> str:
        """Say that a number is none of these."""
        return "" if value in self else f"is {shown(value)}, but must be {self}"


@dataclass(frozen=True)
class Length:
    """How many items a list or a mapping may have, or characters a text.

    Attributes:
        most: The most.
        least: The fewest.
        of: What is counted, in words.
    """

    most: int
    least: int = 0
    of: str = "items"

    def fault(self, value: Any) -> str:
        """Say that there are too many, or too few."""
        if len(value) > self.most:
            return f"{len(value):,} {self.of}, of which at most {self.most:,} are allowed"
        return "" if len(value) >= self.least else f"fewer than {self.least} {self.of}"


@dataclass(frozen=True)
class Matches:
    """How a text must be spelled.

    Attributes:
        pattern: A regular expression for all of it.
        words: The same for a person.
    """

    pattern: str
    words: str

    def fault(self, value: str) -> str:
        """Say that it is spelled otherwise."""
        return "" if re.fullmatch(self.pattern, value) else f"{shown(value)} is not {self.words}"


@dataclass(frozen=True)
class Array:
    """What an array may be.

    Attributes:
        dtype: Its type of number.
        shape: Its size in each dimension; None for any.
        most: The largest that any dimension may be.
        low: Its lowest value.
        high: Its highest.
    """

    dtype: str
    shape: tuple[int | None, ...]
    most: int = 65_536
    low: float = 0.0
    high: float = math.inf

    def fault(self, value: "np.ndarray[Any, Any]") -> str:
        """Say what else it is."""
        found = f"{value.dtype} {value.shape}"
        sizes = " × ".join("n" if size is None else str(size) for size in self.shape)
        if value.dtype != self.dtype or value.ndim != len(self.shape):
            return f"is {found:.80}, not {self.dtype} of {sizes}"
        for size, wanted in zip(value.shape, self.shape, strict=True):
            if size > self.most or wanted not in (None, size):
                return f"is {found:.80}, not {sizes} with n up to {self.most}"
        if value.size and not (
            np.isfinite(value).all() and self.low <= value.min() and value.max() <= self.high
        ):
            return f"is {found:.80}, with values that are not {Range(self.low, self.high)}"
        return ""


def stated(default: Any) -> Any:
    """Return a field with a default for those who build it, which a file must say nevertheless."""
    return field(default=default, metadata={"stated": True})


def shown(value: Any) -> str:
    """Return the beginning of a value as Python writes it, whatever it is."""
    try:
        return f"{value!r:.40}"
    except (ValueError, RecursionError):  # thousands of digits, or of lists in lists
        return f"{type(value).__name__} that is too long to show"

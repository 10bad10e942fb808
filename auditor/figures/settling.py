"""How many images would settle a limit that a figure keeps to, and the end of its interval not."""

import math
from dataclasses import dataclass
from typing import Final, Self

from auditor.figures.comeback import Difference
from auditor.figures.metrics import Z95, paired_interval
from auditor.figures.results import Measurement, Rate, TarSummary
from auditor.figures.verdict import Check

_MOST: Final = 10_000_000
"""Images above which a number says nothing to anybody."""


@dataclass(frozen=True)
class Pairs:
    """Two shares of the same images, whose difference is judged.

    Attributes:
        alone: Images that count for the first share only.
        other_alone: Those that count for the second only.
        n: All images.
        z: Standard deviations that the difference's interval is wide, on either side.
    """

    alone: float
    other_alone: float
    n: int
    z: float

    @classmethod
    def of(cls, found: Difference) -> Self:
        """Return what a difference with its 95 % interval comes from, by `paired_interval`."""
        middle, half = (found.low + found.high) / 2, (found.high - found.low) / 2
        both = ((half / Z95) ** 2 * (found.n + 2) + middle**2) * (found.n + 2) - 2
        more = found.value * found.n
        return cls(max(0.0, (both + more) / 2), max(0.0, (both - more) / 2), found.n, Z95)

    def high(self, n: int) -> float:
        """Return the upper end of the interval with the same shares of n images."""
        times = n / self.n
        return paired_interval(self.alone * times, self.other_alone * times, n, self.z)[1]


def images_to_settle(check: Check, measured: Measurement, pairs: Pairs | None = None) -> int | None:
    """Return with how many images the interval would end at the limit, were the figure the same.

    For a rate p and a limit L that is z² L (1 − L) / (L − p)², which Wilson's interval comes from;
    for a difference of shares it is searched for; for the median of TAR, whose interval shrinks
    with the root of the number of images, what that gives.

    Args:
        check: The check.
        measured: The figures that it is of.
        pairs: What a check of a difference is of.

    Returns:
        None where more images would not help, or the limit is kept.
    """
    value, bound, limit = check.value, check.bound, check.limit
    if check.ok is not False or value is None or bound is None:
        return None
    room = value - limit if check.metric == "clean_accuracy" else limit - value
    if room <= 0:
        return None
    if pairs is not None:
        return _search(pairs, limit)
    figure = getattr(measured, check.metric, None)
    if isinstance(figure, Rate):
        needed = Z95**2 * limit * (1 - limit) / room**2
    elif isinstance(figure, TarSummary):
        needed = figure.n * ((bound - value) / room) ** 2
    else:
        return None
    return math.ceil(needed) if needed <= _MOST else None


def _search(pairs: Pairs, limit: float) -> int | None:
    """Return the fewest images with which the interval ends at the limit: doubled, then halved."""
    few, enough = pairs.n, pairs.n
    while pairs.high(enough) > limit:
        few, enough = enough, 2 * enough
        if enough > _MOST:
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (middle, enough) if pairs.high(middle) > limit else (few, middle)
    return enough

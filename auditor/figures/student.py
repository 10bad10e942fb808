"""Student's t distribution: how wide the interval of a mean of few values is."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

_HALVINGS = 60
_BEYOND = 1e3
"""Above every quantile that is asked for: of one degree of freedom it is 12.7."""


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of at least two values drawn alike."""
    count = len(values)
    half = t95(count - 1) * stdev(values) / math.sqrt(count)
    return fmean(values) - half, fmean(values) + half


def t95(freedom: int) -> float:
    """Return t so that 95 % lie between −t and t.

    Args:
        freedom: Degrees of freedom, 1 or more.
    """
    low, high = 0.0, _BEYOND
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return (low + high) / 2


def _within(t: float, freedom: int) -> float:
    """Return what lies between −t and t (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for power in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cosine**2 * (power - 1) / power
    return 2 / math.pi * (angle + sine * total) if odd else sine * total

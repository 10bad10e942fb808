"""How far the trigger's neighbours lead beyond their controls."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.figures.metrics import paired_interval, z_of
from auditor.figures.results import Neighbour, Rate

NEIGHBOUR_IMAGES = 1_000
"""Evaluation images that the neighbours of a repaired model's trigger are tried on, at most."""

MOST_OF_CONTROL = 0.5
"""Of images: where a stamp that means nothing leads more, what another leads tells nothing."""


@dataclass(frozen=True)
class Excess:
    """What one neighbour does beyond its control.

    Attributes:
        neighbour: The neighbour.
        value: Its success rate less its control's, a fraction, from -1 to 1.
        low: Lower end of its interval; all of them together hold with 95 %.
        high: Upper end.
        n: Images.
        least: The upper end, were it the same as its control on each of these images.
        z: Standard deviations that the interval is wide, on either side.
    """

    neighbour: Neighbour
    value: float
    low: float
    high: float
    n: int
    least: float
    z: float


def strongest(neighbours: Sequence[Neighbour], among: int = 1) -> Excess | None:
    """Return the neighbour that may lead furthest beyond its control; None where none was measured.

    Both are of the same images: intervals are those of paired shares (Bonett and Price 2012),
    widened for as many neighbours as were tried (Bonferroni).

    Args:
        neighbours: All that were tried.
        among: How many models are judged of which one that passes will do.
    """
    rated = [(one, one.asr.n) for one in neighbours if isinstance(one.asr, Rate)]
    z = z_of(among * len(rated)) if rated else 0.0
    found = [
        Excess(
            one,
            (one.alone - one.control_alone) / n,
            *paired_interval(one.alone, one.control_alone, n, z),
            n,
            paired_interval(0, 0, n, z)[1],
            z,
        )
        for one, n in rated
    ]
    return max(found, key=lambda excess: excess.high, default=None)

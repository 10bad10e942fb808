"""How many images would settle a limit that a figure keeps to, and the end of its interval not."""

import math
from typing import Final

from auditor.figures.metrics import Z95
from auditor.figures.results import Measurement, Rate, TarSummary
from auditor.figures.verdict import Check

_MOST: Final = 10_000_000
"""Images above which a number says nothing to anybody."""


def images_to_settle(check: Check, measured: Measurement) -> int | None:
    """Return with how many images the interval would end at the limit, were the figure the same.

    For a rate p and a limit L that is z² L (1 − L) / (L − p)², which Wilson's interval comes from;
    for the median of TAR and the fall in accuracy, whose intervals shrink with the root of the
    number of images, what that gives.

    Args:
        check: The check.
        measured: The figures that it is of.

    Returns:
        None where more images would not help, or the limit is kept.
    """
    value, bound, limit = check.value, check.bound, check.limit
    if check.ok is not False or value is None or bound is None:
        return None
    room = value - limit if check.metric == "clean_accuracy" else limit - value
    if room <= 0:
        return None
    figure = getattr(measured, check.metric, measured.clean_accuracy)
    if isinstance(figure, Rate) and check.metric != "accuracy_drop":
        needed = Z95**2 * limit * (1 - limit) / room**2
    elif isinstance(figure, Rate | TarSummary):
        needed = figure.n * ((bound - value) / room) ** 2
    else:
        return None
    return math.ceil(needed) if needed <= _MOST else None

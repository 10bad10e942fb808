"""Accuracy against ASR, a dot a repair: places in percent, which the template draws as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from auditor.figures.results import Rate
from auditor.report.charts import apart
from auditor.report.comparison.table import RepairRow
from auditor.report.words import percent

_APART = 7.0
"""Names keep this distance from each other, in percent of the height."""

_LEAST_SPAN = 0.02
"""Of the scale of accuracies, so that equal ones do not lie across all of it."""


@dataclass(frozen=True)
class Dot:
    """One repair, or the model as it came.

    Attributes:
        name: Its name.
        left: Its ASR, in percent of the width.
        top: Its accuracy, in percent of the height from above.
        label: Where its name stands, in percent from above.
        flipped: Whether the name stands to the left of the dot.
        before: Whether it is the model as it came.
        best: Whether it is the repair that serves best.
        words: The same in words.
    """

    name: str
    left: float
    top: float
    label: float
    flipped: bool
    before: bool
    best: bool
    words: str


@dataclass(frozen=True)
class Scatter:
    """The dots and the scales: ASR from 0 to 100 %, accuracy where it lies."""

    dots: tuple[Dot, ...]
    across: tuple[tuple[float, str], ...]
    down: tuple[tuple[float, str], ...]


def scatter(table: Sequence[RepairRow], best: str | None) -> Scatter | None:
    """Return the picture; None where no repair handed back a model."""
    known = [(row, *rates) for row in table if (rates := _rates(row)) is not None]
    if len(known) < 2:
        return None
    low, high = _scale([accuracy for _, _, accuracy in known])
    dots = [
        Dot(
            name=row.name,
            left=100 * asr,
            top=100 * (high - accuracy) / (high - low),
            label=100 * (high - accuracy) / (high - low),
            flipped=asr > 0.6,
            before=row.entry is None,
            best=row.name == best,
            words=f"{row.name}: ASR {percent(asr)}, clean accuracy {percent(accuracy)}",
        )
        for row, asr, accuracy in known
    ]
    quarters = [low + share * (high - low) for share in (0, 0.25, 0.5, 0.75, 1)]
    return Scatter(
        dots=tuple(sorted(_spread(dots), key=lambda dot: dot.best)),  # drawn over the others
        across=tuple((float(place), f"{place} %") for place in (0, 25, 50, 75, 100)),
        down=tuple((100 * (high - at) / (high - low), percent(at)) for at in quarters),
    )


def _rates(row: RepairRow) -> tuple[float, float] | None:
    """Return ASR and clean accuracy; None where one is missing."""
    if row.measured is None:
        return None
    asr, accuracy = row.measured.asr, row.measured.clean_accuracy
    if not (isinstance(asr, Rate) and isinstance(accuracy, Rate)):
        return None
    return asr.value, accuracy.value


def _scale(accuracies: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the scale, whole points of percent, with room around the dots."""
    low, high = min(accuracies), max(accuracies)
    room = max(0.15 * (high - low), _LEAST_SPAN / 2)
    return max(0.0, low - room), min(1.0, high + room)


def _spread(dots: Sequence[Dot]) -> list[Dot]:
    """Move the names of dots that lie close together apart, on either side."""
    placed: list[Dot] = []
    for flipped in (False, True):
        side = sorted((d for d in dots if d.flipped is flipped), key=lambda dot: dot.top)
        tops = apart([dot.top for dot in side], _APART)
        placed += [replace(dot, label=top) for dot, top in zip(side, tops, strict=True)]
    return placed

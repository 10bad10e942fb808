"""The table of epochs as text: the columns that fit a width, and what stands in them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.repair.result import Epoch
from auditor.report.words import number, percent
from auditor.text import printable

MISSING: Final = "–"


@dataclass(frozen=True)
class EpochFigure:
    """One figure of an epoch.

    Attributes:
        title: Its head.
        width: Characters it takes.
        text: What stands in it.
    """

    title: str
    width: int
    text: Callable[[Epoch], str]

    def cell(self, text: str) -> str:
        """Return text set to the width; figures stand right, words left."""
        return f"{text:<{self.width}}" if self.title == "phase" else f"{text:>{self.width}}"


def rate(value: Rate | Skipped) -> str:
    """Return a rate in percent."""
    return percent(value.value) if isinstance(value, Rate) else MISSING


def ratio(value: float | None) -> str:
    """Return an attention figure."""
    return MISSING if value is None else number(value)


def phase(epoch: Epoch) -> str:
    """Return the name of its phase."""
    return printable(epoch.phase, 10)


def _seconds(epoch: Epoch) -> str:
    spent = epoch.training_seconds + epoch.monitoring_seconds + epoch.evaluation_seconds
    return f"{spent:,.1f}"


_COLUMNS: Final = (
    EpochFigure("epoch", 5, lambda e: str(e.epoch)),
    EpochFigure("phase", 10, phase),
    EpochFigure("α", 5, lambda e: MISSING if e.alpha is None else f"{e.alpha:.3f}"),
    EpochFigure("accuracy", 8, lambda e: rate(e.clean_accuracy)),
    EpochFigure("ASR", 7, lambda e: rate(e.asr)),
    EpochFigure("RA", 7, lambda e: rate(e.robust_accuracy)),
    EpochFigure("TAR", 7, lambda e: ratio(e.tar)),
    EpochFigure("density", 7, lambda e: ratio(e.tar_density)),
    EpochFigure("seconds", 7, _seconds),
)

_DROPPED: Final = ("density", "phase", "α", "seconds", "TAR", "accuracy")
"""What goes first where the width is short; ASR never stands without RA."""

_GAP: Final = "  "


def fitting(width: int) -> tuple[EpochFigure, ...]:
    """Return the columns that fit into `width` characters."""
    columns = list(_COLUMNS)
    for title in _DROPPED:
        if sum(c.width + len(_GAP) for c in columns) - len(_GAP) <= width:
            break
        columns = [c for c in columns if c.title != title]
    return tuple(columns)


def head(columns: tuple[EpochFigure, ...]) -> str:
    """Return the titles over their columns."""
    return _GAP.join(c.cell(c.title) for c in columns)


def row(columns: tuple[EpochFigure, ...], epoch: Epoch) -> str:
    """Return one epoch's figures."""
    return _GAP.join(c.cell(c.text(epoch)) for c in columns)

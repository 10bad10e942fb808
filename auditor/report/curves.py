"""Curves over the epochs of a repair: the lines as SVG points, every label as a place in percent.

The template sets the labels in HTML, so they take the page's fonts and colours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.repair.result import BEFORE, Epoch
from auditor.report.charts import LOG_TICKS, apart, log_place
from auditor.report.words import number, percent

Size = tuple[int, int]
WIDE: Size = (600, 200)
NARROW: Size = (300, 150)
"""Width and height of a drawing, in its own units."""

_APART = 9.0
"""Labels at the line ends keep this distance, in percent of the height."""

Phases = Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Curve:
    """One figure over the epochs.

    Attributes:
        kind: Name of its colour and dashes.
        label: Its name and newest value.
        pieces: SVG points of each unbroken piece.
        end: (x, y) of its newest point in the drawing's units.
        place: (left, top) of its label, in percent.
    """

    kind: str
    label: str
    pieces: tuple[str, ...]
    end: tuple[float, float]
    place: tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """One chart: its lines, its scale, its limit.

    Attributes:
        title: What it shows.
        words: The same in words, for those who do not see it.
        size: Its width and height in the units of its lines.
        lines: Its lines.
        ticks: (percent from the top, label).
        limit: The same for the limit; None where there is none.
    """

    title: str
    words: str
    size: Size
    lines: tuple[Curve, ...]
    ticks: tuple[tuple[float, str], ...]
    limit: tuple[float, str] | None

    @property
    def wide(self) -> bool:
        """Whether it takes a row of its own."""
        return self.size == WIDE


@dataclass(frozen=True)
class Curves:
    """All charts and the epochs under them; places in percent from the left.

    Attributes:
        charts: Rates, TAR, α; those that have anything to show.
        epochs: (place, number) of some epochs, or what stands at the places.
        phases: (middle, name) of each phase.
        borders: Where one phase ends and the next begins.
        kept: Place and number of the kept epoch; None where there is none.
    """

    charts: tuple[Chart, ...]
    epochs: tuple[tuple[float, int | str], ...]
    phases: tuple[tuple[float, str], ...]
    borders: tuple[float, ...]
    kept: tuple[float, int] | None


def curves(
    history: Sequence[Epoch], phases: Phases, kept: int | None, max_asr: float, max_tar: float
) -> Curves:
    """Return the curves.

    Args:
        history: Every epoch so far; at least one.
        phases: Each phase's name and number of epochs, those to come as well.
        kept: The kept epoch; None while that is open, or when none was.
        max_asr: Limit on ASR.
        max_tar: Limit on TAR.
    """
    phases = [(name, epochs) for name, epochs in phases if epochs]
    last = max(1, history[-1].epoch, sum(epochs for _, epochs in phases))
    ends = [sum(epochs for _, epochs in phases[: index + 1]) for index in range(len(phases))]
    starts = [0, *ends]
    step = next((step for step in (1, 2, 5, 10, 20, 50, 100) if last / step <= 20), last)
    return Curves(
        charts=tuple(c for c in _charts(history, last, max_asr, max_tar) if c.lines),
        epochs=tuple((100 * epoch / last, epoch) for epoch in range(0, last + 1, step)),
        phases=tuple(
            (50 * (start + end) / last, name)
            for start, end, (name, _) in zip(starts, ends, phases, strict=False)
        ),
        borders=tuple(100 * end / last for end in ends[:-1]),
        kept=None if kept is None else (100 * kept / last, kept),
    )


def small(
    title: str, lines: Sequence[tuple[str, str, Sequence[float]]], under: Sequence[str]
) -> Curves:
    """Return one small chart of shares at places of even distance.

    Args:
        title: What it shows.
        lines: Kind, name and values of each, one a place.
        under: What stands under each place; empty for nothing.
    """
    last = len(under) - 1
    drawn = [
        _line(kind, name, list(enumerate(values)), last, NARROW, lambda v: 100 * v, percent)
        for kind, name, values in lines
    ]
    halves = [(100.0 - place, f"{place} %") for place in (0, 50, 100)]
    marks = tuple((100 * place / last, text) for place, text in enumerate(under) if text)
    return Curves((_chart(title, NARROW, drawn, halves, None),), marks, (), (), None)


def phases_of(history: Sequence[Epoch]) -> Phases:
    """Return each phase that a history went through, and how many epochs it had."""
    runs = groupby(history, lambda epoch: epoch.phase)
    return [(phase, len(list(epochs))) for phase, epochs in runs if phase != BEFORE]


def _charts(history: Sequence[Epoch], last: int, max_asr: float, max_tar: float) -> list[Chart]:
    def wide(kind: str, name: str, figure: Callable[[Epoch], Rate | Skipped]) -> Curve | None:
        points = [(e.epoch, _share(figure(e))) for e in history]
        return _line(kind, name, points, last, WIDE, lambda v: 100 * v, percent)

    def narrow(kind: str, name: str, figure: Figure, height: Scale) -> Curve | None:
        points = [(e.epoch, figure(e)) for e in history]
        return _line(kind, name, points, last, NARROW, height, number)

    top = max((epoch.alpha or 0.0 for epoch in history), default=0.0) or 1.0
    rates = [
        wide("asr", "ASR", lambda e: e.asr),
        wide("clean", "clean accuracy", lambda e: e.clean_accuracy),
        wide("robust", "RA", lambda e: e.robust_accuracy),
    ]
    tar = narrow("tar", "TAR", lambda e: e.tar, log_place)
    alpha = narrow("alpha", "α", lambda e: e.alpha, lambda v: 80 * max(0.0, v) / top)
    quarters = [(100.0 - place, f"{place} %") for place in (0, 25, 50, 75, 100)]
    decades = [(100 - place, text) for place, text in LOG_TICKS]
    halves = [(100.0, "0"), (60.0, number(top / 2)), (20.0, number(top))]
    asr_limit = (100 - 100 * max_asr, f"limit of ASR {percent(max_asr)}")
    tar_limit = (100 - log_place(max_tar), f"limit {number(max_tar)}")
    return [
        _chart("Attack success and accuracy", WIDE, rates, quarters, asr_limit),
        _chart("Trigger attention (median TAR), logarithmic", NARROW, [tar], decades, tar_limit),
        _chart("Weight of the stamped images (α)", NARROW, [alpha], halves, None),
    ]


Figure = Callable[[Epoch], float | None]
Scale = Callable[[float], float]


def _share(rate: Rate | Skipped) -> float | None:
    return rate.value if isinstance(rate, Rate) else None


def _line(
    kind: str,
    name: str,
    points: Sequence[tuple[int, float | None]],
    last: int,
    size: Size,
    height: Scale,
    shown: Callable[[float], str],
) -> Curve | None:
    """Return one figure's line, broken where it is undefined; None where it is so throughout."""
    width, full = size
    known = [(epoch, value) for epoch, value in points if value is not None]
    if not known:
        return None

    def place(epoch: int, value: float) -> tuple[float, float]:
        return width * epoch / last, full * (1 - height(value) / 100)

    runs = groupby(points, lambda point: point[1] is not None)
    pieces = [[place(e, v) for e, v in run if v is not None] for there, run in runs if there]
    end = place(*known[-1])
    return Curve(
        kind=kind,
        label=f"{name} {shown(known[-1][1])}",
        pieces=tuple(" ".join(f"{x:.1f},{y:.1f}" for x, y in piece) for piece in pieces),
        end=end,
        place=(100 * end[0] / width, 100 * end[1] / full),
    )


def _chart(
    title: str,
    size: Size,
    drawn: Sequence[Curve | None],
    ticks: Sequence[tuple[float, str]],
    limit: tuple[float, str] | None,
) -> Chart:
    lines = _spread([line for line in drawn if line is not None])
    words = f"{title}. At the end: {', '.join(line.label for line in lines)}."
    return Chart(title, words, size, tuple(lines), tuple(ticks), limit)


def _spread(lines: list[Curve]) -> list[Curve]:
    """Move the labels at the line ends apart."""
    ordered = sorted(lines, key=lambda line: line.place[1])
    tops = apart([line.place[1] for line in ordered], _APART)
    return [
        replace(line, place=(line.place[0], top)) for line, top in zip(ordered, tops, strict=True)
    ]

"""Charts as numbers in percent, which the template draws with plain boxes: no script, no SVG.

Boxes take the page's own colours and fonts, so a chart follows dark mode and print by itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from auditor.figures.results import ClassRow, Histogram, Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.records.certificate import Certificate
from auditor.repair.result import Epoch
from auditor.report.lines import limit
from auditor.report.words import headline_figures, percent

MOST_CLASSES = 20


@dataclass(frozen=True)
class Gauge:
    """A figure on its scale; all positions in percent of the width.

    Attributes:
        value: The figure.
        low: Lower end of its interval.
        high: Upper end.
        limit: The limit; None where there is none.
        baseline: The figure without the trigger; None where there is none.
        ends: Labels of the scale's two ends.
        before: The figure before the repair; None where there is none.
    """

    value: float
    low: float
    high: float
    limit: float | None
    baseline: float | None
    ends: tuple[str, str]
    before: float | None = None


def gauges(certificate: Certificate) -> list[Gauge | None]:
    """Return the gauges of `words.headline_figures`."""
    now, checks = certificate.judged, certificate.verdict.checks
    shifted = headline_figures(certificate)[1] == "heatmap_shift"
    drawn = [
        rate_gauge(now.asr, limit(checks, "asr").limit, now.clean_target_rate),
        shift_gauge(now.heatmap_shift)
        if shifted
        else tar_gauge(now.tar, limit(checks, "tar").limit, now.controls.tar),
        rate_gauge(now.robust_accuracy, None, now.clean_accuracy),
    ]
    if certificate.measurements.after is None:
        return drawn
    was = certificate.measurements.before
    skipped = Skipped("not drawn twice")
    before = [
        rate_gauge(was.asr, None, skipped),
        shift_gauge(was.heatmap_shift) if shifted else tar_gauge(was.tar, None, skipped),
        rate_gauge(was.robust_accuracy, None, skipped),
    ]
    return _beside(drawn, before)


def epoch_gauges(now: Epoch, first: Epoch, max_asr: float, max_tar: float) -> list[Gauge | None]:
    """Return the gauges of `epoch_lines`, epoch 0 as what was before."""
    return [
        replace(new, before=old.value) if new and old and now is not first else new
        for new, old in zip(
            _epoch_gauges(now, max_asr, max_tar),
            _epoch_gauges(first, max_asr, max_tar),
            strict=True,
        )
    ]


def _epoch_gauges(epoch: Epoch, max_asr: float, max_tar: float) -> list[Gauge | None]:
    none = Skipped("not drawn")
    point = log_place(epoch.tar) if epoch.tar is not None else None
    return [
        rate_gauge(epoch.asr, max_asr, epoch.clean_target_rate),
        Gauge(point, point, point, log_place(max_tar), None, _LOG_ENDS)
        if point is not None
        else None,
        rate_gauge(epoch.robust_accuracy, None, none),
        rate_gauge(epoch.clean_accuracy, None, none),
    ]


def _beside(now: list[Gauge | None], before: list[Gauge | None]) -> list[Gauge | None]:
    """Return the gauges with the places of those before."""
    return [
        replace(new, before=old.value) if new and old else new
        for new, old in zip(now, before, strict=True)
    ]


def rate_gauge(rate: Rate | Skipped, limit: float | None, baseline: Rate | Skipped) -> Gauge | None:
    """Return a rate on a scale of 0 to 100 %."""
    if isinstance(rate, Skipped):
        return None
    return Gauge(
        value=100 * rate.value,
        low=100 * rate.low,
        high=100 * rate.high,
        limit=None if limit is None else 100 * limit,
        baseline=100 * baseline.value if isinstance(baseline, Rate) else None,
        ends=("0 %", "100 %"),
    )


def tar_gauge(
    tar: TarSummary | Skipped, limit: float | None, baseline: TarSummary | Skipped
) -> Gauge | None:
    """Return a TAR on a logarithmic scale of 0.001 to 100."""
    if isinstance(tar, Skipped) or tar.median is None or tar.low is None or tar.high is None:
        return None
    known = isinstance(baseline, TarSummary) and baseline.median is not None
    return Gauge(
        value=log_place(tar.median),
        low=log_place(tar.low),
        high=log_place(tar.high),
        limit=None if limit is None else log_place(limit),
        baseline=log_place(baseline.median) if known else None,  # type: ignore[union-attr,arg-type]
        ends=_LOG_ENDS,
    )


def shift_gauge(shift: TarSummary | Skipped) -> Gauge | None:
    """Return a heatmap shift on a scale of 0 to 1."""
    if (
        isinstance(shift, Skipped)
        or shift.median is None
        or shift.low is None
        or shift.high is None
    ):
        return None
    places = (100 * shift.median, 100 * shift.low, 100 * shift.high)
    return Gauge(*places, limit=None, baseline=None, ends=("0", "1"))


@dataclass(frozen=True)
class Bar:
    """One bin: position and width in percent of the width, height in percent of the tallest."""

    left: float
    width: float
    height: float


@dataclass(frozen=True)
class Series:
    """One set of images: `stamped`, `unstamped`, `before` or `after`, its legend, its bars."""

    kind: str
    legend: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Distribution:
    """TAR of two sets of images over a logarithmic axis, the one in front last."""

    series: tuple[Series, Series]
    ticks: tuple[tuple[float, str], ...]
    limit: float
    tallest: int
    words: str


def distribution(certificate: Certificate) -> Distribution | None:
    """Return TAR with and without the trigger, or, after a repair, with it before and after.

    None where TAR was not measured.
    """
    before, now = certificate.evidence.histogram, certificate.judged_evidence.histogram
    if isinstance(before, Skipped) or isinstance(now, Skipped):
        return None
    if certificate.measurements.after:
        shown = (
            ("before", "with the trigger, before the repair", before.edges, before.stamped),
            ("after", "with the trigger, after it", now.edges, now.stamped),
        )
        words = (
            f"{_DRAWN} on {_above_one(before, before.stamped)} of the stamped images before the "
            f"repair, and on {_above_one(now, now.stamped)} after it."
        )
    else:
        shown = (
            ("unstamped", "the same images without it", now.edges, now.unstamped),
            ("stamped", "with the trigger", now.edges, now.stamped),
        )
        words = (
            f"{_DRAWN} on {_above_one(now, now.stamped)} of the stamped images, and on "
            f"{_above_one(now, now.unstamped)} of the same images without it."
        )
    tallest = max(1, *(count for *_, counts in shown for count in counts))
    first, second = (
        Series(kind, legend, _bars(edges, counts, tallest)) for kind, legend, edges, counts in shown
    )
    at = log_place(limit(certificate.verdict.checks, "tar").limit)
    return Distribution((first, second), LOG_TICKS, at, tallest, words)


def _bars(edges: tuple[float, ...], counts: tuple[int, ...], tallest: int) -> tuple[Bar, ...]:
    places = [log_place(edge) for edge in edges]
    return tuple(
        Bar(left, right - left, 100 * count / tallest)
        for left, right, count in zip(places, places[1:], counts, strict=False)
    )


def _above_one(histogram: Histogram, counts: tuple[int, ...]) -> str:
    above = sum(c for c, e in zip(counts, histogram.edges, strict=False) if e > 1 - 1e-9)
    return percent(above / max(1, sum(counts)))


@dataclass(frozen=True)
class ClassBar:
    """One class: its row, the same before the repair if there was one, whether it is the target."""

    row: ClassRow
    before: ClassRow | None
    is_target: bool


def class_bars(certificate: Certificate) -> tuple[list[ClassBar], str]:
    """Return the classes to draw, and a note when that is not all of them."""
    classes = list(certificate.evidence.classes)
    note = ""
    if len(classes) > MOST_CLASSES:
        note = f"The {MOST_CLASSES} classes of {len(classes)} that the trigger turns most often."
        classes = sorted(classes, key=_asr_of, reverse=True)[:MOST_CLASSES]
    repaired = certificate.measurements.after is not None
    now = {row.class_: row for row in certificate.judged_evidence.classes}
    return [
        ClassBar(
            row=now.get(row.class_, row),
            before=row if repaired else None,
            is_target=row.class_ == certificate.target.class_,
        )
        for row in classes
    ], note


def _asr_of(row: ClassRow) -> float:
    return row.asr.value if isinstance(row.asr, Rate) else -1.0


def apart(tops: Sequence[float], distance: float) -> list[float]:
    """Move labels apart, downwards from the highest, then upwards where they ran out of room.

    Args:
        tops: Where they would stand, in percent from above, the highest first.
        distance: That they keep from each other.
    """
    moved = list(tops)
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + distance)
    lowest = 100.0
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], lowest)
        lowest = moved[index] - distance
    return moved


def log_place(value: float) -> float:
    """Return the place of a ratio on the axis of 0.001 to 100, in percent."""
    return min(100.0, max(0.0, 20 * (math.log10(max(value, 1e-9)) + 3)))


_DRAWN = "The trigger draws more heat than the object (TAR above 1)"

_LOG_ENDS = ("0.001", "100")

LOG_TICKS = tuple(
    (log_place(value), text)
    for value, text in (
        (0.001, "≤ 0.001"),
        (0.01, "0.01"),
        (0.1, "0.1"),
        (1, "1"),
        (10, "10"),
        (100, "≥ 100"),
    )
)
"""Place in percent → label, on the axis of TAR."""

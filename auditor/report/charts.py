"""Charts as numbers in percent, which the template draws with plain boxes: no script, no SVG.

Boxes take the page's own colours and fonts, so a chart follows dark mode and print by itself.
"""

import math
from dataclasses import dataclass

from auditor.certificate import Certificate
from auditor.report.words import percent
from auditor.results import ClassRow, Histogram, Rate, Skipped, TarSummary

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
    """

    value: float
    low: float
    high: float
    limit: float | None
    baseline: float | None
    ends: tuple[str, str]


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
    tar: TarSummary | Skipped, limit: float, baseline: TarSummary | Skipped
) -> Gauge | None:
    """Return a TAR on a logarithmic scale of 0.001 to 100."""
    if isinstance(tar, Skipped) or tar.median is None or tar.low is None or tar.high is None:
        return None
    known = isinstance(baseline, TarSummary) and baseline.median is not None
    return Gauge(
        value=_log(tar.median),
        low=_log(tar.low),
        high=_log(tar.high),
        limit=_log(limit),
        baseline=_log(baseline.median) if known else None,  # type: ignore[union-attr,arg-type]
        ends=("0.001", "100"),
    )


@dataclass(frozen=True)
class Bar:
    """One bin: position and width in percent of the width, heights in percent of the tallest."""

    left: float
    width: float
    stamped: float
    unstamped: float


@dataclass(frozen=True)
class Distribution:
    """TAR of stamped against unstamped images over a logarithmic axis."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    limit: float
    tallest: int
    words: str


def distribution(certificate: Certificate) -> Distribution | None:
    """Return the chart of the TAR distribution; None where TAR was not measured."""
    histogram = certificate.evidence.histogram
    if isinstance(histogram, Skipped):
        return None
    tallest = max(1, *histogram.stamped, *histogram.unstamped)
    edges = [_log(edge) for edge in histogram.edges]
    bars = tuple(
        Bar(left, right - left, 100 * stamped / tallest, 100 * unstamped / tallest)
        for left, right, stamped, unstamped in zip(
            edges, edges[1:], histogram.stamped, histogram.unstamped, strict=False
        )
    )
    ticks = tuple(
        (_log(v), t)
        for v, t in (
            (0.001, "≤ 0.001"),
            (0.01, "0.01"),
            (0.1, "0.1"),
            (1, "1"),
            (10, "10"),
            (100, "≥ 100"),
        )
    )
    limit = next(c.limit for c in certificate.verdict.checks if c.metric == "tar")
    return Distribution(bars, ticks, _log(limit), tallest, _in_words(histogram))


@dataclass(frozen=True)
class ClassBar:
    """One class: its rates in percent, None where it has none; the target class has no ASR."""

    name: str
    asr: float | None
    accuracy: float | None
    is_target: bool


def class_bars(certificate: Certificate) -> tuple[list[ClassBar], str]:
    """Return the classes to draw, and a note when that is not all of them."""
    classes = list(certificate.evidence.classes)
    note = ""
    if len(classes) > MOST_CLASSES:
        note = f"The {MOST_CLASSES} classes of {len(classes)} that the trigger turns most often."
        classes = sorted(classes, key=_asr_of, reverse=True)[:MOST_CLASSES]
    return [
        ClassBar(
            name=row.name,
            asr=100 * row.asr.value if isinstance(row.asr, Rate) else None,
            accuracy=100 * row.accuracy.value if isinstance(row.accuracy, Rate) else None,
            is_target=row.class_ == certificate.target.class_,
        )
        for row in classes
    ], note


def _asr_of(row: ClassRow) -> float:
    return row.asr.value if isinstance(row.asr, Rate) else -1.0


def _log(value: float) -> float:
    """Return the place of a ratio on the axis of 0.001 to 100, in percent."""
    return min(100.0, max(0.0, 20 * (math.log10(max(value, 1e-9)) + 3)))


def _in_words(histogram: Histogram) -> str:
    def above_one(counts: tuple[int, ...]) -> str:
        count = sum(c for c, e in zip(counts, histogram.edges, strict=False) if e > 1 - 1e-9)
        return percent(count / max(1, sum(counts)))

    stamped, unstamped = above_one(histogram.stamped), above_one(histogram.unstamped)
    return (
        f"The trigger draws more heat than the object (TAR above 1) on {stamped} of the stamped "
        f"images, and on {unstamped} of the same images without it."
    )

"""Figures held against each other: what no measurement gives is not shown to anybody."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from auditor.errors import InputError
from auditor.figures.metrics import balanced_of, wilson
from auditor.figures.results import (
    Balanced,
    Evidence,
    Histogram,
    Measurement,
    Rate,
    Skipped,
    TarSummary,
)

_MOST_IMAGES: Final = 1 << 48
_ROUNDING: Final = 1e-9
"""Relative, of what is computed from counts."""
_HEAT_ROUNDING: Final = 1e-6
"""The same of what is computed from float32 heatmaps."""


def close(one: float | None, other: float | None) -> bool:
    """Whether two numbers are the same but for rounding, or both are missing."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_ROUNDING, abs_tol=_ROUNDING)


def hits(rate: Rate) -> int:
    """Return of how many images a rate is."""
    return round(rate.value * rate.n)


def check_each(value: Any, where: str) -> None:
    """Hold each figure in a value against itself: its interval, its numbers of images.

    Args:
        value: A dataclass that holds figures, at any depth.
        where: JSON path of the value.

    Raises:
        InputError: One contradicts itself; names its place.
    """
    for place, figure in _figures(value, where):
        if isinstance(figure, Rate):
            _check_rate(figure, place)
        else:
            _check_summary(figure, place)


def check_measurement(measured: Measurement, images: int, where: str) -> None:
    """Hold the figures of one model against each other.

    Args:
        measured: The figures.
        images: That they were measured with.
        where: JSON path of the figures.

    Raises:
        InputError: Some contradict each other; names the place.
    """
    check_each(measured, where)
    accuracy, asr, robust = measured.clean_accuracy, measured.asr, measured.robust_accuracy
    if isinstance(accuracy, Rate) and accuracy.n != images:
        raise InputError(f"{where}.clean_accuracy: is of {accuracy.n} images, the data of {images}")
    if not isinstance(asr, Rate):
        return
    if asr.n > images:
        raise InputError(f"{where}.asr: is of {asr.n} images, of which there are {images}")
    same = {name: getattr(measured, name) for name in ("robust_accuracy", "clean_target_rate")}
    same |= {name: figure for name, figure in vars(measured).items() if _is_summary(figure)}
    same |= {f"controls.{name}": figure for name, figure in vars(measured.controls).items()}
    for name, figure in same.items():
        if not isinstance(figure, Skipped) and figure.n != asr.n:
            raise InputError(f"{where}.{name}: is of {figure.n} images, asr of {asr.n}")
    if isinstance(robust, Rate) and hits(asr) + hits(robust) > asr.n:
        raise InputError(f"{where}: asr and robust_accuracy come to more than all images")


def check_evidence(
    evidence: Evidence, measured: Measurement, names: Sequence[str], where: str
) -> None:
    """Hold what stands behind the figures of one model against them.

    Args:
        evidence: What stands behind them.
        measured: The figures.
        names: One a class.
        where: JSON path of the evidence.

    Raises:
        InputError: It contradicts them or itself; names the place.
    """
    check_each(evidence, where)
    if [(row.class_, row.name) for row in evidence.classes] != list(enumerate(names)):
        raise InputError(f"{where}.classes: are not the model's {len(names)}, in its order")
    for figure, total in (("accuracy", measured.clean_accuracy), ("asr", measured.asr)):
        rows = [getattr(row, figure) for row in evidence.classes]
        if _sum(rows) != _sum([total]):
            raise InputError(f"{where}.classes: the rows' {figure} does not add up to the whole's")
    rows = [row.accuracy for row in evidence.classes if isinstance(row.accuracy, Rate)]
    each = measured.balanced_accuracy
    if isinstance(each, Balanced) and not _same(each, rows):
        raise InputError(f"{where}.classes: balanced_accuracy is not the rows' mean")
    for number, example in enumerate(evidence.examples):
        shown = (example.label, example.clean_predicted, example.stamped_predicted)
        if not all(0 <= class_ < len(names) for class_ in shown):
            raise InputError(f"{where}.examples[{number}]: is of a class that there is not")
    if isinstance(evidence.histogram, Histogram):
        _check_histogram(evidence.histogram, measured, f"{where}.histogram")
    placebos = [placebo.rate for placebo in evidence.placebos if isinstance(placebo.rate, Rate)]
    strongest = max((rate.value for rate in placebos), default=None)
    said = measured.placebo_rate
    if strongest is not None and not (isinstance(said, Rate) and close(said.value, strongest)):
        raise InputError(f"{where}.placebos: the strongest is not what placebo_rate says")


def _figures(value: Any, where: str) -> Iterator[tuple[str, Rate | TarSummary]]:
    if isinstance(value, Rate | TarSummary):
        yield where, value
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield from _figures(inner, f"{where}[{number}]")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _figures(getattr(value, field.name), f"{where}.{field.name.rstrip('_')}")


def _check_rate(rate: Rate, where: str) -> None:
    if not (0 < rate.n <= _MOST_IMAGES and 0 <= rate.value <= 1):
        raise InputError(f"{where}: is {rate.value:g} of {str(rate.n):.20} images, which cannot be")
    counted = wilson(hits(rate), rate.n)
    assert isinstance(counted, Rate)
    if not close(rate.value, counted.value):
        raise InputError(f"{where}: {rate.value} is no number of {rate.n} images")
    if not (close(rate.low, counted.low) and close(rate.high, counted.high)):
        raise InputError(
            f"{where}: its interval is {rate.low:.4f} to {rate.high:.4f}; that of {hits(rate)} in "
            f"{rate.n} images is {counted.low:.4f} to {counted.high:.4f}"
        )


def _check_summary(figure: TarSummary, where: str) -> None:
    if not 0 <= figure.undefined <= figure.n <= _MOST_IMAGES:
        raise InputError(
            f"{where}: is undefined for {str(figure.undefined):.20} of {str(figure.n):.20} images"
        )
    numbers = (figure.low, figure.median, figure.high, figure.mean)
    known = [number for number in numbers if number is not None]
    if len(known) != (0 if figure.undefined == figure.n else len(numbers)):
        raise InputError(f"{where}: is missing, and defined for some images; or neither")
    if not known:
        return
    low, median, high, mean = known
    within = (low, median, high), (0.0, mean, figure.ceiling), (0.0, high, figure.ceiling)
    if not all(_ascending(*three) for three in within):
        raise InputError(f"{where}: its interval does not hold its median, or it leaves its range")


def _ascending(low: float, middle: float, high: float) -> bool:
    slack = _HEAT_ROUNDING * max(abs(low), abs(middle), abs(high))
    return low <= middle + slack and middle <= high + slack


def _check_histogram(found: Histogram, measured: Measurement, where: str) -> None:
    if any(low >= high for low, high in zip(found.edges, found.edges[1:], strict=False)):
        raise InputError(f"{where}.edges: do not ascend")
    for name, summary in (("stamped", measured.tar), ("unstamped", measured.controls.tar)):
        counts = getattr(found, name)
        if len(counts) + 1 != len(found.edges) or min(counts, default=0) < 0:
            raise InputError(f"{where}.{name}: not one count, of none or more, a bin")
        defined = 0 if isinstance(summary, Skipped) else summary.n - summary.undefined
        if sum(counts) != defined:
            raise InputError(f"{where}.{name}: counts {sum(counts)} images, TAR has {defined}")


def _same(each: Balanced, rows: Sequence[Rate]) -> bool:
    if not rows:
        return False
    found = balanced_of([hits(rate) for rate in rows], [rate.n for rate in rows])
    numbers = zip(dataclasses.astuple(each), dataclasses.astuple(found), strict=True)
    return all(close(one, other) for one, other in numbers)


def _is_summary(figure: object) -> bool:
    return isinstance(figure, TarSummary)


def _sum(rates: Sequence[Rate | Skipped]) -> tuple[int, int]:
    """Return of how many images all of them are, and how many there are."""
    known = [rate for rate in rates if isinstance(rate, Rate)]
    return sum(map(hits, known)), sum(rate.n for rate in known)

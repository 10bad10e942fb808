"""Figures held against each other: what no measurement gives is not shown to anybody.

A worker's results and the files that users bring pass through the same functions. That each value
is of its type, and in its range, has been seen before (`files/codec.py`).
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from auditor.errors import InputError
from auditor.figures.facts import AttentionFacts
from auditor.figures.metrics import EPSILON, balanced_of, hits, wilson
from auditor.figures.neighbour_consistency import check_neighbours
from auditor.figures.results import (
    Balanced,
    Evidence,
    Example,
    Histogram,
    Measurement,
    Rate,
    TarSummary,
)
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target

_ROUNDING: Final = 1e-9
"""Relative, of what is computed from counts."""
_HEAT_ROUNDING: Final = 1e-6
"""The same of what is computed from float32 heatmaps."""

_CEILINGS: Final = {
    "tar": 1 / EPSILON,
    "tar_target": 1 / EPSILON,
    "trigger_mass": 1.0,
    "heatmap_shift": 1.0,
}
"""What no layer's grid goes beyond: all the heat on the trigger, and none on the object."""


def close(one: float | None, other: float | None) -> bool:
    """Whether two numbers are the same but for rounding, or both are missing."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_ROUNDING, abs_tol=_ROUNDING)


def check_each(value: Any, where: str) -> None:
    """Hold each figure in a value against itself: its interval, its number of images.

    Args:
        value: A dataclass that holds figures, at any depth, or a tuple of them.
        where: JSON path of the value.

    Raises:
        InputError: One contradicts itself; names its place.
    """
    for place, figure in _figures(value, where):
        if isinstance(figure, Rate):
            _check_rate(figure, place)
        else:
            _check_summary(figure, place)


def check_classes(named: Sequence[int], classes: int, where: str) -> None:
    """Refuse what is none of a model's classes.

    Args:
        named: Indices of classes.
        classes: Number of the model's classes.
        where: JSON path of what names them.

    Raises:
        InputError: One is none of the model's; names the place.
    """
    if named and not 0 <= min(named) <= max(named) < classes:
        raise InputError(f"{where}: names a class that is none of {classes}")


def check_target(target: Target, names: Sequence[str], where: str = "$.target") -> None:
    """Refuse a target that is none of the model's classes.

    Args:
        target: Where the backdoor leads.
        names: One a class of the model.
        where: JSON path of the target.

    Raises:
        InputError: It leads nowhere, to no class of these or to one of another name, is for another
            number of classes, or was given and inferred.
    """
    led, classes = target.leads or (), len(names)
    if target.class_ is None and not led:
        raise InputError(f"{where}: leads nowhere")
    if led and len(led) != classes:
        raise InputError(f"{where}.leads: is for {len(led)} classes, the model has {classes}")
    check_classes(led if target.class_ is None else (*led, target.class_), classes, where)
    if target.class_ is not None and target.name != names[target.class_]:
        raise InputError(f"{where}.name: is not the name of class {target.class_}")
    if target.chosen == "given" and target.inferred_from:
        raise InputError(f"{where}.inferred_from: some images, and the target was given")


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
    for name, most in _CEILINGS.items():
        summary = getattr(measured, name)
        if isinstance(summary, TarSummary) and not _ascending(0.0, summary.ceiling, most):
            raise InputError(f"{where}.{name}.ceiling: is {summary.ceiling:g}, above {most:g}")
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
    evidence: Evidence, measured: Measurement, names: Sequence[str], target: Target, where: str
) -> None:
    """Hold what stands behind the figures of one model against them.

    Args:
        evidence: What stands behind them.
        measured: The figures.
        names: One a class.
        target: Where the backdoor leads.
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
    _check_turned(evidence, measured, target, f"{where}.classes")
    _check_example_tars(evidence, measured, f"{where}.examples")
    right = [row.accuracy for row in evidence.classes if isinstance(row.accuracy, Rate)]
    each = measured.balanced_accuracy
    if isinstance(each, Balanced) and not _same(each, right):
        raise InputError(f"{where}.classes: balanced_accuracy is not the rows' mean")
    if isinstance(evidence.histogram, Histogram):
        _check_histogram(evidence.histogram, measured, f"{where}.histogram")
    check_neighbours(evidence.neighbours, measured.asr, f"{where}.neighbours")
    moved = [p.class_ for p in evidence.placebos if p.class_ is not None]
    check_classes(moved, len(names), f"{where}.placebos")
    rates = [placebo.rate.value for placebo in evidence.placebos if isinstance(placebo.rate, Rate)]
    said = measured.placebo_rate
    if rates and not (isinstance(said, Rate) and close(said.value, max(rates))):
        raise InputError(f"{where}.placebos: the strongest is not what placebo_rate says")


def check_examples(
    examples: Sequence[Example],
    classes: int,
    input_shape: tuple[int, int, int],
    attention: AttentionFacts,
    where: str,
) -> None:
    """Refuse example images that are of another model than their audit.

    Args:
        examples: The images.
        classes: Number of the model's classes.
        input_shape: (height, width, channels) of its images.
        attention: Where the heatmaps were read.
        where: JSON path of the examples.

    Raises:
        InputError: A class is none of the model's, a picture not of its input's size, a heatmap not
            of the grid; names the place.
    """
    grid = (0, 0) if isinstance(attention.grid, Skipped) else attention.grid
    for number, shown in enumerate(examples):
        here = f"{where}[{number}]"
        seen = (shown.label, shown.clean_predicted, shown.stamped_predicted)
        check_classes(seen, classes, here)
        for picture in (shown.clean, shown.stamped):
            if picture.shape[:2] != tuple(input_shape[:2]):
                raise InputError(f"{here}: a picture is {picture.shape}, not of the model's input")
        for heat in (shown.clean_heat, shown.stamped_heat):
            if heat.shape not in (tuple(grid), (0, 0)):
                raise InputError(f"{here}: a heatmap is {heat.shape}, the layer's grid {grid}")


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
    counted = wilson(hits(rate), rate.n)
    if isinstance(counted, Skipped) or not close(rate.value, counted.value):
        raise InputError(f"{where}: {rate.value} is no number of {rate.n} images")
    if not (close(rate.low, counted.low) and close(rate.high, counted.high)):
        raise InputError(
            f"{where}: its interval is {rate.low:.4f} to {rate.high:.4f}; that of {hits(rate)} in "
            f"{rate.n} images is {counted.low:.4f} to {counted.high:.4f}"
        )


def _check_summary(figure: TarSummary, where: str) -> None:
    low, median, high, mean = figure.low, figure.median, figure.high, figure.mean
    if low is None or median is None or high is None or mean is None:
        return  # no image has it: `TarSummary` itself sees to that
    within = (low, median, high), (0.0, mean, figure.ceiling), (0.0, high, figure.ceiling)
    if not all(_ascending(*three) for three in within):
        raise InputError(f"{where}: its interval does not hold its median, or it leaves its range")


def _ascending(low: float, middle: float, high: float) -> bool:
    slack = _HEAT_ROUNDING * max(abs(low), abs(middle), abs(high))
    return low <= middle + slack and middle <= high + slack


def _check_turned(evidence: Evidence, measured: Measurement, target: Target, where: str) -> None:
    """Refuse an ASR of a class that is not led to another, and none of one that is."""
    led = target.of(np.arange(len(evidence.classes)))
    for row in evidence.classes:
        victims = bool(led[row.class_] != row.class_)
        if isinstance(row.asr, Rate) and not victims:
            raise InputError(f"{where}[{row.class_}].asr: the target leads its images nowhere else")
        left_out = isinstance(measured.asr, Rate) and isinstance(row.accuracy, Rate)
        if isinstance(row.asr, Skipped) and victims and left_out:
            raise InputError(f"{where}[{row.class_}].asr: is skipped, and the class has images")


def _check_example_tars(evidence: Evidence, measured: Measurement, where: str) -> None:
    if not isinstance(measured.tar, TarSummary):
        return
    most = measured.tar.ceiling
    for number, shown in enumerate(evidence.examples):
        for tar in (shown.clean_tar, shown.stamped_tar):
            if tar is not None and not _ascending(0.0, tar, most):
                raise InputError(f"{where}[{number}]: a TAR of {tar:g}, above the ceiling {most:g}")


def _check_histogram(found: Histogram, measured: Measurement, where: str) -> None:
    for name, summary in (("stamped", measured.tar), ("unstamped", measured.controls.tar)):
        counted = sum(getattr(found, name))
        defined = 0 if isinstance(summary, Skipped) else summary.n - summary.undefined
        if counted != defined:
            raise InputError(f"{where}.{name}: counts {counted} images, TAR has {defined}")


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

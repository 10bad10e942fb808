"""Spark lines: how the figures moved over the epochs, one line each."""

from collections.abc import Callable, Sequence
from typing import Final

from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.monitor.columns import MISSING, ratio
from auditor.repair.result import Epoch
from auditor.report.words import percent

_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], top: float) -> str:
    """Return one character a value, from ▁ at 0 to █ at `top`; a space where there is none."""
    highest = len(_BLOCKS) - 1
    heights = (None if v is None else round(highest * min(max(v / top, 0.0), 1.0)) for v in values)
    return "".join(" " if height is None else _BLOCKS[height] for height in heights)


def sparks(epochs: Sequence[Epoch], width: int) -> list[str]:
    """Return ASR, RA and accuracy on a scale of 0 to 1, TAR on one to its largest value."""
    tar = [e.tar for e in epochs]
    highest = max((value for value in tar if value is not None), default=0.0)
    return [
        _line("ASR", [_value(e.asr) for e in epochs], 1.0, _percent, width),
        _line("RA", [_value(e.robust_accuracy) for e in epochs], 1.0, _percent, width),
        _line("accuracy", [_value(e.clean_accuracy) for e in epochs], 1.0, _percent, width),
        _line("TAR", tar, highest or 1.0, ratio, width),
    ]


def _line(
    name: str,
    values: list[float | None],
    top: float,
    show: Callable[[float | None], str],
    width: int,
) -> str:
    """Return the name, the spark line, the first and the last value."""
    ends = f"{show(values[0])} → {show(values[-1])}" if values else ""
    return f"{name:<10}{sparkline(_sampled(values, width - 12 - len(ends)), top)}  {ends}"


def _sampled(values: list[float | None], most: int) -> list[float | None]:
    """Return at most `most` values at even distances, the first and the last among them."""
    if len(values) <= max(most, 2):
        return values
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(max(most, 2))]


def _value(rate: Rate | Skipped) -> float | None:
    return rate.value if isinstance(rate, Rate) else None


def _percent(value: float | None) -> str:
    return MISSING if value is None else percent(value)

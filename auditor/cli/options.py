"""The flags that commands share, each also a `BDAUDIT_*` variable and a key of `bdaudit.toml`."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from auditor.measure.audit import Options
from auditor.policy import Limits
from auditor.report import FORMATS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Number(click.ParamType[float]):
    """A finite number within bounds, both allowed."""

    name = "number"

    def __init__(self, low: float, high: float = math.inf) -> None:
        self.low, self.high = low, high

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Refuse what is no number, NaN and infinity among it, or out of bounds."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and self.low <= number <= self.high):
            bounds = f"of at least {self.low:g}"
            if self.high < math.inf:
                bounds = f"from {self.low:g} to {self.high:g}"
            self.fail(f"{value!r} is not a number {bounds}.", param, ctx)
        return number


def option(*names: str, **settings: Any) -> Decorator:
    """A click option that can also be given as `BDAUDIT_NAME`, with its default in the help."""
    longest = max(names, key=len).removeprefix("--")
    variable = "BDAUDIT_" + longest.upper().replace("-", "_")
    settings.setdefault("show_default", settings.get("default") is not None)
    return click.option(*names, envvar=variable, **settings)


def stack(*decorators: Decorator) -> Decorator:
    """Return the decorators as one, listed in the help from first to last."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


measuring = stack(
    option(
        "--data",
        metavar="SOURCE",
        help="Labelled images: a folder of class folders, an .npz "
        "file (x, y), or a keras.datasets name such as cifar10. Default: by the model's shape.",
    ),
    option(
        "--target",
        metavar="CLASS",
        help="Class that the backdoor leads to: index, name, or "
        "auto for the class most stamped images move to. Default: the trigger's, else auto.",
    ),
    option(
        "--layer",
        metavar="NAME",
        help="Layer that heatmaps are read at. Default: the last one "
        "with rows and columns, nested models included.",
    ),
    option(
        "--input-range",
        default="0..1",
        metavar="RANGE",
        help="Range the model expects: 0..1, 0..255, -1..1 or mean=M,std=S.",
    ),
    option(
        "--object-region",
        default=Options.object_region,
        metavar="REGION",
        help="What TAR compares the trigger with: center, complement, or an .npz file with `mask`.",
    ),
    option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="Use at most N images, drawn class by class. Default: all.",
    ),
    option(
        "--batch-size",
        type=click.IntRange(1, 65_536),
        default=Options.batch_size,
        metavar="N",
        help="Images a step.",
    ),
    option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="Seed of the draw and of the bootstrap.",
    ),
)
"""How a model is measured."""

limits = stack(
    option(
        "--max-asr",
        type=Number(0, 1),
        default=Limits.max_asr,
        metavar="FRACTION",
        help="Highest attack success rate; its upper bound is judged.",
    ),
    option(
        "--max-tar",
        type=Number(0),
        default=Limits.max_tar,
        metavar="RATIO",
        help="Highest median Trigger Attention Ratio; its upper bound is judged.",
    ),
    option(
        "--min-accuracy",
        type=Number(0, 1),
        metavar="FRACTION",
        help="Lowest clean accuracy; its lower bound is judged. Default: no limit.",
    ),
    option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdict."),
)
"""What a model must keep to."""

outputs = stack(
    option(
        "-o",
        "--output",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"Write a certificate; by its suffix: {', '.join('.' + f for f in FORMATS)}. "
        "Repeatable.",
    ),
    option(
        "-f",
        "--format",
        "format_",
        type=click.Choice(list(FORMATS)),
        help="Write one to standard output instead of the summary.",
    ),
    option("--force", is_flag=True, help="Replace files that exist."),
)
"""Where results go."""

talking = stack(
    option("-q", "--quiet", is_flag=True, help="No summary, no progress."),
    option("-v", "--verbose", is_flag=True, help="Also print the worker's own log."),
    option("--no-progress", is_flag=True, help="No progress."),
)
"""How much is said."""

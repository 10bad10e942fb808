"""What a flag is made of: an option with its variable, and the kinds of values."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from auditor import references
from auditor.files.origin import is_reference
from auditor.references import Reference

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


class Spec(click.ParamType[str]):
    """A trigger's spec; several in a variable are parted like the folders of `PATH`."""

    name = "spec"
    envvar_list_splitter = os.pathsep


class _ModelPath(click.Path):
    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)


class ModelName(_ModelPath):
    """A model: a path, or a reference to one that is fetched."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Refuse what looks like an address and is no reference that is known."""
        if isinstance(value, Reference):
            return value
        return references.parse(os.fspath(value)) or super().convert(value, param, ctx)


class LocalModel(_ModelPath):
    """A model's own file, whose digest is compared: what a reference names is fetched before."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Refuse a reference."""
        if is_reference(os.fspath(value)):
            self.fail(
                f"{os.fspath(value)!r} is a reference; fetch it, with 'hf download' or 'mlflow "
                "artifacts download', and give the file: its digest is compared.",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


class NumberPair(click.ParamType[tuple[Any, ...]]):
    """Two numbers with a colon between them, `0.05:0.20`."""

    name = "pair"

    def __init__(self, number: click.ParamType[Any], *, rising: bool = False) -> None:
        self.number, self.rising = number, rising

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Refuse what is not two numbers of the right kind."""
        if isinstance(value, tuple):
            return value
        parts = str(value).split(":")
        if len(parts) != 2:
            self.fail(f"{value!r} is not two numbers with a colon, such as 0.05:0.20.", param, ctx)
        pair = tuple(self.number.convert(part, param, ctx) for part in parts)
        if self.rising and pair[0] > pair[1]:
            self.fail(f"{value!r} goes backwards.", param, ctx)
        return pair

"""Frozen dataclasses to JSON values and back, by their type hints.

Between the worker and its parent, for `audit.json` and for trigger files. Arrays are left to the
caller, who decides how pictures travel.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np

from auditor.errors import InputError


@dataclasses.dataclass(frozen=True)
class Range:
    """What a number may be, written beside its type: `Annotated[int, Range(0, 255)]`.

    Attributes:
        low: The lowest that is allowed; where `above` says so, it must be more than that.
        high: The highest that is allowed.
        above: Whether `low` itself is too low.
    """

    low: float
    high: float
    above: bool = False

    def __str__(self) -> str:
        """Return it in words."""
        if self.above:
            return f"above {self.low:g} and up to {self.high:g}"
        return f"{self.low:g} to {self.high:g}"

    def __contains__(self, value: float) -> bool:
        """Whether it allows a number."""
        return self.low <= value <= self.high and not (self.above and value == self.low)


class WrongField(InputError):
    """A value that is not what it should be.

    Attributes:
        where: JSON path of the value; of the unknown key where there is one.
    """

    def __init__(self, where: str, problem: str, key: str = "") -> None:
        super().__init__(f"{where}: {problem}")
        self.where = f"{where}.{key}" if key else where
        self.problem = problem


Packer = Callable[[np.ndarray[Any, Any]], Any]
Unpacker = Callable[[Any], np.ndarray[Any, Any]]


def to_json(value: Any, pack: Packer) -> Any:
    """Turn a dataclass into plain JSON values.

    Args:
        value: Dataclasses, tuples, lists, dicts, arrays and scalars, nested.
        pack: Turns an array into a JSON value.

    Raises:
        ValueError: A number is not finite, which JSON cannot say.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name.rstrip("_"): to_json(getattr(value, f.name), pack)
            for f in dataclasses.fields(value)
        }
    if isinstance(value, np.ndarray):
        return pack(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(k): to_json(v, pack) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(v, pack) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"not a finite number: {value}")
    return value


def from_json(kind: Any, value: Any, unpack: Unpacker, where: str = "$") -> Any:
    """Build a value of type `kind` from JSON values, checking every field.

    Args:
        kind: A dataclass, or any type hint that `results.py` uses.
        value: What `json.loads` gave.
        unpack: Turns a packed array back.
        where: JSON path, for the error.

    Raises:
        WrongField: A field is missing, unknown, of another type, not finite or out of its range.
    """
    kind = _behind(kind)
    origin = get_origin(kind)
    if origin is Annotated:
        return _in_range(kind, value, unpack, where)
    if dataclasses.is_dataclass(kind):
        if isinstance(kind, type) and isinstance(value, kind):
            return value
        return _dataclass(kind, value, unpack, where)
    if origin in (Union, types.UnionType):
        return _union(kind, value, unpack, where)
    if origin is tuple:
        return _tuple(kind, value, unpack, where)
    if origin is dict and isinstance(value, dict):
        return {
            k: from_json(get_args(kind)[1], v, unpack, f"{where}.{k}") for k, v in value.items()
        }
    if origin is Literal and value in get_args(kind):
        return value
    if origin is np.ndarray:
        return unpack(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, where)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is type(None) and value is None:
        return None
    if kind is Any or (isinstance(kind, type) and type(value) is kind):
        return value
    if origin is Literal:
        allowed = ", ".join(map(str, get_args(kind)))
        raise WrongField(where, f"{_shown(value)} is none of {allowed}")
    raise WrongField(where, f"expected {_name(kind)}, found {type(value).__name__}")


def finite(text: str) -> float:
    """Return the number that JSON text spells: for `parse_float` and `parse_constant`.

    Raises:
        ValueError: It is NaN or infinite.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.20} is no finite number")
    return number


def no_array(_: Any) -> Any:
    """Pack and unpack where arrays have no place.

    Raises:
        InputError: Always.
    """
    raise InputError("no array is expected here")


def _behind(kind: Any) -> Any:
    """Return what a type alias stands for; `NDArray` is one where NumPy and Python are new."""
    while hasattr(alias := get_origin(kind) or kind, "__value__"):
        given = dict(zip(alias.__type_params__, get_args(kind), strict=False))
        kind = alias.__value__
        if free := getattr(kind, "__parameters__", ()):
            kind = kind[tuple(given.get(parameter, parameter) for parameter in free)]
        kind = given.get(kind, kind)
    return kind


def _number(value: float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        raise WrongField(where, "a number too large") from None
    if not math.isfinite(number):
        raise WrongField(where, f"{number} is no finite number")
    return number


def _in_range(kind: Any, value: Any, unpack: Unpacker, where: str) -> Any:
    plain, *notes = get_args(kind)
    number = from_json(plain, value, unpack, where)
    for note in notes:
        if isinstance(note, Range) and number not in note:
            raise WrongField(where, f"is {_shown(number)}, but must be {note}")
    return number


def _dataclass(kind: Any, value: Any, unpack: Unpacker, where: str) -> Any:
    if not isinstance(value, dict):
        raise WrongField(where, f"expected an object, found {type(value).__name__}")
    hints, fields = typing.get_type_hints(kind, include_extras=True), dataclasses.fields(kind)
    unknown = sorted(map(str, set(value) - {f.name.rstrip("_") for f in fields}))
    if unknown:
        known = ", ".join(f.name.rstrip("_") for f in fields)
        raise WrongField(where, f"unknown key {_shown(unknown[0])}; known: {known}", unknown[0])
    given = {}
    for field in fields:
        key = field.name.rstrip("_")
        if key in value:
            given[field.name] = from_json(hints[field.name], value[key], unpack, f"{where}.{key}")
        elif field.default is dataclasses.MISSING:
            raise WrongField(where, f"the key {key!r} is missing")
    return kind(**given)


def _union(kind: Any, value: Any, unpack: Unpacker, where: str) -> Any:
    """Try each type; of what each has to say, take what looked furthest into the value."""
    wrong: list[InputError] = []
    for choice in get_args(kind):
        try:
            return from_json(choice, value, unpack, where)
        except InputError as error:
            wrong.append(error)
    inside = [e for e in wrong if not isinstance(e, WrongField) or e.where != where]
    if inside:
        raise max(inside, key=lambda error: len(str(error).partition(":")[0]))
    names = " or ".join(_name(choice) for choice in get_args(kind))
    raise WrongField(where, f"expected {names}, found {type(value).__name__}")


def _tuple(kind: Any, value: Any, unpack: Unpacker, where: str) -> Any:
    if not isinstance(value, list):
        raise WrongField(where, f"expected a list, found {type(value).__name__}")
    kinds = get_args(kind)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise WrongField(where, f"expected {len(kinds)} items, found {len(value)}")
    return tuple(
        from_json(k, v, unpack, f"{where}[{i}]")
        for i, (k, v) in enumerate(zip(kinds, value, strict=True))
    )


def _shown(value: Any) -> str:
    """Return the beginning of a value as Python writes it, whatever it is."""
    try:
        return f"{value!r:.40}"
    except (ValueError, RecursionError):  # thousands of digits, or of lists in lists
        return f"{type(value).__name__} that is too long to show"


def _name(kind: Any) -> str:
    """Return a type in a reader's words."""
    kind = _behind(kind)
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    words = {tuple: "a list", dict: "a mapping", type(None): "nothing", int: "a whole number"}
    words |= {str: "text", float: "a number", Path: "a path", bool: "true or false"}
    found = get_origin(kind) or kind
    if found in words:
        return words[found]
    return "a mapping" if dataclasses.is_dataclass(kind) else getattr(kind, "__name__", str(kind))

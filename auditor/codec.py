"""Frozen dataclasses to JSON values and back, by their type hints.

Used twice: between the worker and its parent, and for `audit.json`. Arrays are left to the caller,
who decides how pictures travel.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np

from auditor.errors import InputError

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
        InputError: A field is missing, unknown or of another type; names its path.
    """
    origin = get_origin(kind)
    if dataclasses.is_dataclass(kind):
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
        try:
            return float(value)
        except OverflowError:
            raise InputError(f"{where}: a number too large") from None
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is type(None) and value is None:
        return None
    if kind is Any or (isinstance(kind, type) and type(value) is kind):
        return value
    raise InputError(f"{where}: expected {_name(kind)}, found {type(value).__name__}")


def no_array(_: Any) -> Any:
    """Pack and unpack where arrays have no place.

    Raises:
        InputError: Always.
    """
    raise InputError("no array is expected here")


def _dataclass(kind: Any, value: Any, unpack: Unpacker, where: str) -> Any:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, found {type(value).__name__}")
    hints, fields = typing.get_type_hints(kind), dataclasses.fields(kind)
    unknown = set(value) - {f.name.rstrip("_") for f in fields}
    if unknown:
        known = ", ".join(f.name.rstrip("_") for f in fields)
        raise InputError(f"{where}: unknown key {sorted(map(str, unknown))[0]!r}; known: {known}")
    given = {}
    for field in fields:
        key = field.name.rstrip("_")
        if key in value:
            given[field.name] = from_json(hints[field.name], value[key], unpack, f"{where}.{key}")
        elif field.default is dataclasses.MISSING:
            raise InputError(f"{where}: the key {key!r} is missing")
    return kind(**given)


def _union(kind: Any, value: Any, unpack: Unpacker, where: str) -> Any:
    first: InputError | None = None
    for choice in get_args(kind):
        try:
            return from_json(choice, value, unpack, where)
        except InputError as error:
            first = first or error
    raise first or InputError(f"{where}: no type fits")


def _tuple(kind: Any, value: Any, unpack: Unpacker, where: str) -> Any:
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list, found {type(value).__name__}")
    kinds = get_args(kind)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise InputError(f"{where}: expected {len(kinds)} items, found {len(value)}")
    return tuple(
        from_json(k, v, unpack, f"{where}[{i}]")
        for i, (k, v) in enumerate(zip(kinds, value, strict=True))
    )


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))

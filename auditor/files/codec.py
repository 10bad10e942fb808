"""Frozen dataclasses to JSON values and back, by their type hints.

Between the worker and its parent, for `audit.json` and for trigger files. Arrays are left to the
caller, who decides how pictures travel.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import numpy as np

from auditor.errors import InputError
from auditor.files.constraints import Length, shown
from auditor.text import printable

MOST_CHARACTERS: Final = 65_536
"""Of any text, the longest that is read."""

MOST_ITEMS: Final = 10_000
"""Of any list or mapping whose type allows no other number."""

_WHOLE: Final = 2**63
"""What no whole number reaches: 64 bits hold it everywhere."""

_TEXT: Final = Length(MOST_CHARACTERS, of="characters")
_ITEMS: Final = Length(MOST_ITEMS)


class WrongField(InputError):
    """A value that is not what it should be.

    Attributes:
        where: JSON path of the value; of the unknown key where there is one.
    """

    def __init__(self, where: str, problem: str, key: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.where = f"{where}.{key}" if key else where
        self.problem = problem


Packer = Callable[[np.ndarray[Any, Any]], Any]
Unpacker = Callable[[Any], np.ndarray[Any, Any]]


def to_json(value: Any, pack: Packer) -> Any:
    """Turn a dataclass into plain JSON values.

    Text that UTF-8 cannot say, as of a file's name that is in another encoding, is escaped.

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
    if isinstance(value, str | Path):
        return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {to_json(str(k), pack): to_json(v, pack) for k, v in value.items()}
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
        WrongField: A field is missing, unknown, of another type, not finite, beyond what its
            constraints allow (`constraints`), or does not agree with the others; a text has more
            than 65,536 characters or is none; a list or mapping has more than 10,000 items where
            its type allows no other number.
    """
    kind, origin, inner = _parts(kind)
    if origin is Annotated:
        return _annotated(inner[0], inner[1:], value, unpack, where)
    if dataclasses.is_dataclass(kind):
        if isinstance(kind, type) and isinstance(value, kind):
            return value
        return _dataclass(kind, value, unpack, where)
    if origin in (Union, types.UnionType):
        return _union(inner, value, unpack, where)
    if origin is tuple:
        return _tuple(inner, value, unpack, where)
    if origin is dict and isinstance(value, dict):
        return _dict(inner[1], value, unpack, where)
    if origin is Literal and value in inner:
        return value
    if origin is np.ndarray:
        return unpack(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, where)
    if kind is Path and isinstance(value, str):
        return Path(_text(value, where))
    if kind is str and isinstance(value, str):
        return _text(value, where)
    if kind is int and type(value) is int and not -_WHOLE <= value < _WHOLE:
        raise WrongField(where, "a whole number of more than 64 bits")
    if kind is type(None) and value is None:
        return None
    if kind is Any or (isinstance(kind, type) and type(value) is kind):
        return value
    if origin is Literal:
        allowed = ", ".join(map(str, inner))
        raise WrongField(where, f"{shown(value)} is none of {allowed}")
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


@cache
def _parts(kind: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return a type without its aliases, what it is made with, and what of."""
    kind = _behind(kind)
    return kind, get_origin(kind), get_args(kind)


@cache
def _fields(kind: Any) -> Mapping[str, tuple[dataclasses.Field[Any], Any]]:
    """Return a dataclass' keys, each with its field and its type."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {f.name.rstrip("_"): (f, hints[f.name]) for f in dataclasses.fields(kind)}


def _number(value: float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        raise WrongField(where, "a number too large") from None
    if not math.isfinite(number):
        raise WrongField(where, f"{number} is no finite number")
    return number + 0.0  # of the two zeros the one without a sign


def _text(value: str, where: str, length: Length = _TEXT) -> str:
    if fault := length.fault(value):
        raise WrongField(where, fault)
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise WrongField(where, "half of a surrogate pair, which is no text") from None
    return value


def _annotated(plain: Any, notes: tuple[Any, ...], value: Any, unpack: Unpacker, where: str) -> Any:
    """Read a value, and hold it against its constraints; against those of length before."""
    sized = isinstance(value, str | list | dict)
    lengths = tuple(note for note in notes if isinstance(note, Length))
    origin = _parts(plain)[1]
    for length in lengths if sized else ():
        if fault := length.fault(value):
            raise WrongField(where, fault)
    if lengths and origin is tuple and isinstance(value, list):
        read = _tuple(_parts(plain)[2], value, unpack, where, lengths[0])
    elif lengths and plain is str and isinstance(value, str):
        read = _text(value, where, lengths[0])
    else:
        read = from_json(plain, value, unpack, where)
    for note in notes:
        if not isinstance(note, Length) and (fault := note.fault(read)):
            raise WrongField(where, fault)
    return read


def _dataclass(kind: Any, value: Any, unpack: Unpacker, where: str) -> Any:
    if not isinstance(value, dict):
        raise WrongField(where, f"expected an object, found {type(value).__name__}")
    fields = _fields(kind)
    if unknown := sorted(map(str, value.keys() - fields.keys())):
        known = ", ".join(fields)
        raise WrongField(where, f"unknown key {shown(unknown[0])}; known: {known}", unknown[0])
    given = {}
    for key, (field, hint) in fields.items():
        if key in value:
            given[field.name] = from_json(hint, value[key], unpack, f"{where}.{key}")
        elif field.default is dataclasses.MISSING or "stated" in field.metadata:
            raise WrongField(where, f"the key {key!r} is missing")
    try:
        return kind(**given)
    except ValueError as error:  # what it says of fields that do not agree
        raise WrongField(where, str(error)) from error


def _union(choices: tuple[Any, ...], value: Any, unpack: Unpacker, where: str) -> Any:
    """Try each type; of what each has to say, take what looked furthest into the value."""
    knowing = [choice for choice in choices if _knows_keys(choice, value)]
    wrong: list[InputError] = []
    for choice in knowing or choices:
        try:
            return from_json(choice, value, unpack, where)
        except InputError as error:
            wrong.append(error)
    inside = [e for e in wrong if not isinstance(e, WrongField) or e.where != where]
    if inside:
        raise max(inside, key=lambda error: len(str(error).partition(":")[0]))
    if len(knowing) == 1:
        raise wrong[0]
    names = " or ".join(_name(choice) for choice in choices)
    raise WrongField(where, f"expected {names}, found {type(value).__name__}")


def _knows_keys(kind: Any, value: Any) -> bool:
    """Whether an object is of a dataclass, by its keys: its faults are then that class' to tell."""
    known = isinstance(value, dict) and dataclasses.is_dataclass(kind)
    return known and value.keys() <= _fields(kind).keys()


def _tuple(
    kinds: tuple[Any, ...], value: Any, unpack: Unpacker, where: str, length: Length = _ITEMS
) -> Any:
    if not isinstance(value, list):
        raise WrongField(where, f"expected a list, found {type(value).__name__}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        if fault := length.fault(value):
            raise WrongField(where, fault)
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise WrongField(where, f"expected {len(kinds)} items, found {len(value)}")
    return tuple(
        from_json(k, v, unpack, f"{where}[{i}]")
        for i, (k, v) in enumerate(zip(kinds, value, strict=True))
    )


def _dict(kind: Any, value: dict[Any, Any], unpack: Unpacker, where: str) -> Any:
    if fault := _ITEMS.fault(value):
        raise WrongField(where, fault)
    read = {}
    for key, inside in value.items():
        _text(str(key), where)
        read[key] = from_json(kind, inside, unpack, f"{where}.{printable(str(key), 40)}")
    return read


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

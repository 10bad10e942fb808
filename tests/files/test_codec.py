"""Whatever crosses a file or the process boundary comes back as it was, every hint of it.

The dataclasses are found in the sources, so that one that is added later is tried too.
"""

import ast
import dataclasses
import importlib
import inspect
import json
import math
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
import pytest

import auditor
from auditor.figures.results import Example, Histogram, Rate, TarSummary
from auditor.figures.skipped import Reason, Skipped
from auditor.figures.target import Target
from auditor.figures.values import Sha256, Time
from auditor.files.codec import WrongField, from_json, no_array, to_json
from auditor.files.constraints import Array, Length, Matches, Range
from auditor.files.origin import Commit
from auditor.probe.result import Sha256OrEmpty
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison
from auditor.records.diff import Diff
from auditor.records.search_report import SearchReport
from auditor.repair.options import RepairOptions
from auditor.repair.result import Epoch, Watched
from auditor.triggers import TRIGGERS, Patch, Trigger
from auditor.triggers.build import build, fields
from auditor.worker.exchange import _CHECKS

PACKAGE = Path(auditor.__file__).parent

NAMED_AT_RUN_TIME = {
    "worker.exchange": set(_CHECKS),
    "triggers.build": set(TRIGGERS.values()),
    "files.codec": set(),  # calls itself
}
"""Module → what it reads where it does not name the class: `from_json(kind, …)`."""

ONLY_WRITTEN = {Audits, Comparison, Diff, SearchReport}
"""Nobody reads them back whole, but others read what was written."""


def read_back(path: Path) -> Iterator[Any]:
    """Give what a module reads: the first argument of every `from_json` in its source."""
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(path.read_text("utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "from_json"
    ]
    if not calls:
        return
    names = dict(vars(importlib.import_module(f"auditor.{name}")))
    for node in ast.walk(tree):  # in functions too
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("auditor."):
            there = vars(importlib.import_module(str(node.module)))
            names |= {a.name: there[a.name] for a in node.names if a.name in there}
    for call in calls:
        try:
            yield eval(ast.unparse(call.args[0]), names)
        except NameError:
            yield from NAMED_AT_RUN_TIME[name]


def inside(kind: Any) -> Iterator[Any]:
    """Give the dataclasses that a hint is made of, itself and those in it."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if not inspect.isabstract(kind):
            yield kind
        for hint in typing.get_type_hints(kind, include_extras=True).values():
            yield from inside(hint)
    for one in get_args(kind):
        yield from inside(one)


def crossing() -> list[type]:
    found: dict[Any, None] = {}
    read = [kind for path in sorted(PACKAGE.rglob("*.py")) for kind in read_back(path)]
    for kind in (*read, *ONLY_WRITTEN):
        found |= dict.fromkeys(inside(kind))
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


PLAIN: dict[Any, list[Any]] = {
    bool: [True, False],
    int: [2, 10**12],
    Rate: [Rate(0.5, 0.25, 0.75, 8), Rate(0.0, 0.0, 1.0, 1)],
    TarSummary: [
        TarSummary(1.5, 1.25, 1.0, 2.0, 3, 1, 9.5),
        TarSummary(None, None, None, None, 2, 2, 0.0),
    ],
    Histogram: [Histogram((0.0, 0.5, 2.0), (1, 2), (0, 0))],
    Watched: [
        Watched(("a", "b"), (0, 7), np.ones((2, 3, 4, 3), np.uint8), np.eye(3, 4, dtype=np.uint8))
    ],
    float: [0.1, 0.5],
    str: ["a", "ü\n\U0001f600"],
    Path: [Path("/nowhere/picture")],
    type(None): [None],
    Any: ["a", 3, [1, {"b": None}]],
    Trigger: [Patch(id="p", size=(4, 4))],
}


def values(kind: Any) -> list[Any]:
    """Return values of a hint; together they use every hint in it."""
    if kind in PLAIN:
        return PLAIN[kind]
    if dataclasses.is_dataclass(kind):
        return list(made(kind))
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return list(parts)
    if origin in (Union, types.UnionType):
        return [value for part in parts for value in values(part)]
    if origin is Annotated:
        return within(*parts)
    if origin is dict:
        return [dict(zip("abcdefgh", values(parts[1]), strict=False))]
    assert origin is tuple, f"tell {__name__} what values a {kind} has"
    if parts[-1] is Ellipsis:
        return [tuple(values(parts[0])[:8])]
    each = [values(part) for part in parts]
    return [tuple(one[i % len(one)] for one in each) for i in range(max(map(len, each)))]


SPELLED = {
    Sha256: "0a" * 32,
    Sha256OrEmpty: "",
    Time: "2026-01-02T03:04:05Z",
    Commit: "0a" * 20,
    Reason: "why",
}
"""Of each text with a pattern, one."""


def within(plain: Any, note: Any) -> list[Any]:
    """Return values that a constraint allows, the ends of what it does among them."""
    if isinstance(note, Range):
        low, high = max(note.low, -100), min(note.high, 2.0**53)
        ends = [high] if note.above else [low, high]
        return [plain(number) for number in (low + (high - low) / 2, *ends)]
    if isinstance(note, Array):
        shape, high = [size or 2 for size in note.shape], min(note.high, 200)
        empty = [0 if size is None else size for size in note.shape]
        return [np.full(shape, high, note.dtype), np.zeros(empty, note.dtype)]
    if isinstance(note, Matches):
        return [SPELLED[Annotated[plain, note]]]
    assert isinstance(note, Length)
    if plain is str:
        return ["x" * max(1, note.least)]
    (found,) = values(plain)
    return [(found * max(1, note.least))[: max(note.least, min(8, note.most))]]


def made(kind: Any) -> Iterator[Any]:
    """Give as many objects as it takes for every field to have had every one of its values."""
    own = {"heat": np.ones((2, 4, 4), np.float32), "predicted": (0, 1), "watched_tar": (None, 0.5)}
    hints = typing.get_type_hints(kind, include_extras=True)
    choices = {f.name: values(hints[f.name]) for f in dataclasses.fields(kind)}
    choices |= {name: [value] for name, value in own.items() if kind is Epoch}
    for i in range(max(map(len, choices.values()), default=1)):
        yield kind(**{name: found[i % len(found)] for name, found in choices.items()})


def there_and_back(kind: Any, value: Any) -> Any:
    arrays: list[Any] = []

    def pack(array: np.ndarray) -> int:
        arrays.append(array)
        return len(arrays) - 1

    text = json.dumps(to_json(value, pack), allow_nan=False)
    return from_json(kind, json.loads(text), lambda place: arrays[place])


def same(one: Any, other: Any) -> bool:
    """Whether two are equal, to the last type: dataclasses cannot compare their arrays."""
    if type(one) is not type(other):
        return False
    if dataclasses.is_dataclass(one):
        names = [f.name for f in dataclasses.fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


FOUND = crossing()


@pytest.mark.parametrize("kind", FOUND, ids=lambda kind: kind.__name__)
def test_everything_that_crosses_comes_back(kind: Any) -> None:
    for value in values(kind):
        if isinstance(value, Trigger):  # a composed one's parts do not say their type themselves
            assert same(build(json.loads(json.dumps(fields(value)))), value)
        else:
            assert same(there_and_back(kind, value), value)


def test_the_dataclasses_are_found() -> None:
    assert {Certificate, Example, RepairOptions, Target, *_CHECKS, *TRIGGERS.values()} <= set(FOUND)
    assert not any(inspect.isabstract(kind) for kind in FOUND)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type aliases came with Python 3.12")
def test_a_hint_may_be_a_type_alias() -> None:
    names: dict[str, Any] = {"Skipped": Skipped}
    exec(
        "type Maybe[T] = T | Skipped\n"
        "type Pair[A, B] = tuple[B, A]\n"
        "type Both[T] = Pair[Maybe[T], str]\n"
        "type Level = int\n"
        "type Levels = dict[str, Level]\n",
        names,
    )
    Maybe, Both, Levels = names["Maybe"], names["Both"], names["Levels"]
    assert from_json(Maybe[float], 1, no_array) == 1.0
    assert from_json(Maybe[float], {"skipped": "x"}, no_array) == Skipped("x")
    assert from_json(Both[float], ["a", 2], no_array) == ("a", 2.0)
    assert from_json(Levels, {"a": 3}, no_array) == {"a": 3}
    with pytest.raises(WrongField, match=r"\$\.a: expected a whole number, found str"):
        from_json(Levels, {"a": "3"}, no_array)
    with pytest.raises(WrongField, match=r"\$\[1\]: expected a number or a mapping, found str"):
        from_json(Both[float], ["a", "b"], no_array)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400])
def test_a_number_that_json_cannot_say_is_refused(number: float) -> None:
    """Python reads `NaN` and `Infinity` in JSON and YAML; no one can write them again."""
    with pytest.raises(WrongField, match=r"\$\.high: .*number"):
        from_json(Rate, {"value": 0.5, "low": 0, "high": number, "n": 1}, no_array)
    for kind in (float | str | None, Annotated[float, Range(0, math.inf)], dict[str, float]):
        with pytest.raises(WrongField, match="number"):
            from_json(kind, {"a": number} if get_origin(kind) is dict else number, no_array)


def test_what_a_figure_says_of_its_own_fields_is_what_its_reader_is_told() -> None:
    """It might have been `Skipped` by its type, but not by its keys."""
    rate = {"value": 0.5, "low": 0.6, "high": 0.7, "n": 10}
    with pytest.raises(WrongField, match=r"^\$\.asr: the rate 0\.5 is not from 0\.6 to 0\.7$"):
        from_json(Rate | Skipped, rate, no_array, "$.asr")

"""Mutations of what JSON and YAML say: configurations, trigger files, certificates."""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

REPEATED = "\u29c9"
"""At the end of a key: `text` drops it, so that an object has the key twice."""

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 255, 65_536, 2**31 - 1, 2**31, 2**63, -(2**63), 10**30,
    10**400, 0.5, -0.0, 1e-320, 1e308, float("inf"), float("nan"), "", "a", " ", "None", "0",
    "\x1b[2J", "\u202ename", "\ud800", "\x00", "x" * 5000, "{{ 7 * 7 }}", "<script>", "%s%n",
    "../../x", "/etc/passwd", "file:///etc/passwd", "data:,x", [], {}, [[]], [{}], [None] * 50,
    {"": ""}, {"class": 0}, [0, 0], [1, -1], [2**31, 2**31], [None, None, None, 3], ["a", 0],
    {"png": "", "shape": [0]}, {"float32": "", "shape": [2**40, 0]}, {"shape": [-1]},
)  # fmt: skip
"""For any place of any document."""

FIGURES: tuple[Any, ...] = (
    {"value": 0.5, "low": 0.4, "high": 0.6, "n": 0}, {"value": 0.5, "low": 0.6, "high": 1, "n": 9},
    {"value": 1.5, "low": 0, "high": 2, "n": -1}, {"skipped": ""}, {"skipped": "=1+1"}, [], [1.0],
    {"edges": [], "stamped": [], "unstamped": []}, {"edges": [1], "stamped": [], "unstamped": []},
    {"edges": [0, 1], "stamped": [2**70], "unstamped": [0]}, {"skipped": "x" * 70_000},
    {"mean": None, "median": 1, "low": 2, "high": 1, "n": 1, "undefined": 2, "ceiling": -0.0},
    "=HYPERLINK(\"http://x\")", "+1", "-1+1", "@SUM(1)", "\t=1", "pass", "before", 1e-310,
    *([0] * 300, ["a"] * 300, "9" * 30, 2**53, 2**53 + 1, -1e300, "2026-02-30T25:61:61Z"),
)  # fmt: skip
"""For what a worker says that it measured, and for cells of a spreadsheet."""

KERAS: tuple[Any, ...] = (
    "Lambda", "TFSMLayer", "StringLookup", "Functional", "Sequential", "Model", "Dense", "Layer",
    "InputLayer", "TimeDistributed", "function", "os", "builtins", "keras", "keras.layers",
    "keras.src.legacy.saving", "tensorflow", "eval", "linear", "softmax", "custom>Dense", "float8",
    "__numpy__", "__keras_tensor__", "DTypePolicy", "Custom>", "keras.src.ops.numpy", "GetItem",
    {"module": "builtins", "class_name": "eval", "config": "1", "registered_name": None},
    {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}},
    {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}},
    {"class_name": "__tensor__", "config": {"value": [0], "dtype": "float32"}},
    {"class_name": "__keras_tensor__", "config": {"shape": [2**40], "dtype": "float32"}},
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
    {"class_name": "L2", "config": {"l2": 0.1}, "module": "keras.regularizers"},
    ["a", 0, 0], ["a", 0, 0, {}], [["a", 0, 0]], {"args": [], "kwargs": {"x": "y"}},
)  # fmt: skip
"""For the configuration of a Keras model."""


def mutate(document: Any, rng: Random, hostile: tuple[Any, ...] = HOSTILE) -> Any:
    """Return a copy with one to six changes."""
    document = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        places = _places(document)
        if not places:
            return rng.choice(hostile)
        rng.choice(_CHANGES)(places, rng, hostile)
    return document


def text(document: Any) -> str:
    """Return the document as JSON, repeated keys and all."""
    return json.dumps(document).replace(json.dumps(REPEATED)[1:-1], "")


Place = tuple[Any, Any]
"""A list or dict, and an index or key in it."""


def _places(document: Any) -> list[Place]:
    found, pending = [], [document]
    while pending:
        inside = pending.pop()
        if isinstance(inside, dict):
            keys = list(inside)
        elif isinstance(inside, list):
            keys = list(range(len(inside)))
        else:
            continue
        found += [(inside, key) for key in keys]
        pending += [inside[key] for key in keys]
    return found


def _replace(places: list[Place], rng: Random, hostile: tuple[Any, ...]) -> None:
    inside, key = rng.choice(places)
    inside[key] = copy.deepcopy(rng.choice(hostile))


def _retype(places: list[Place], rng: Random, hostile: tuple[Any, ...]) -> None:
    """Replace a number, a string or a flag only, of which most caps and names are made."""
    leaves = [p for p in places if not isinstance(p[0][p[1]], dict | list)]
    _replace(leaves or places, rng, hostile)


def _nudge(places: list[Place], rng: Random, hostile: tuple[Any, ...]) -> None:
    inside, key = rng.choice(places)
    value = inside[key]
    if isinstance(value, int | float):
        inside[key] = rng.choice((-value, value + 1, value - 1, value * 1000, [value], str(value)))
    elif isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        inside[key] = value[:at] + rng.choice(("", "\x00", "/", "é", ":0", "x")) + value[at + 1 :]
    else:
        inside[key] = rng.choice(([value], {"config": value}, str(value)[:200]))


def _remove(places: list[Place], rng: Random, hostile: tuple[Any, ...]) -> None:
    inside, key = rng.choice(places)
    del inside[key]


def _repeat(places: list[Place], rng: Random, hostile: tuple[Any, ...]) -> None:
    """Give a key twice, or an item of a list many times."""
    inside, key = rng.choice(places)
    if isinstance(inside, dict):
        other = rng.choice((inside[key], rng.choice(hostile)))
        inside[f"{key}{REPEATED}"] = copy.deepcopy(other)
    else:
        inside[key:key] = [copy.deepcopy(inside[key]) for _ in range(rng.choice((1, 2, 40)))]


def _move(places: list[Place], rng: Random, hostile: tuple[Any, ...]) -> None:
    """Put a copy of one part in place of another."""
    (source, name), (inside, key) = rng.choice(places), rng.choice(places)
    inside[key] = copy.deepcopy(source[name])


def _rename(places: list[Place], rng: Random, hostile: tuple[Any, ...]) -> None:
    inside, key = rng.choice(places)
    if isinstance(inside, dict):
        names = [key for within, key in places if isinstance(within, dict)]
        inside[rng.choice((*names, "", "x", "__class__", "name"))] = inside.pop(key)


def _nest(places: list[Place], rng: Random, hostile: tuple[Any, ...]) -> None:
    inside, key = rng.choice(places)
    for _ in range(rng.choice((1, 10, 60, 70, 400))):
        inside[key] = rng.choice(([inside[key]], {"config": inside[key]}))


_CHANGES: tuple[Callable[[list[Place], Random, tuple[Any, ...]], None], ...] = (
    _replace, _retype, _retype, _retype, _nudge, _nudge, _remove, _repeat, _move, _move, _rename,
    _nest,
)  # fmt: skip

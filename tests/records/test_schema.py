"""The types that audits are read by refuse all that the shipped JSON Schema refuses."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np

from auditor.files.constraints import Array, Length, Matches, Range
from auditor.records.canonical import schema
from auditor.records.certificate import Certificate

PACKED = {"$ref": {"picture": 3, "pictures": 4, "mask": 2, "heatmap": 2, "heatmaps": 3}}
"""What arrays are in JSON → how many dimensions they have."""

PLAIN = {"string": str, "integer": int, "number": float, "boolean": bool, "null": type(None)}
SKIPPED = "#/$defs/skipped"


def lenient(kind: Any, node: dict[str, Any], where: str) -> Iterator[str]:
    """Give the places where a type allows what the schema's node does not."""
    plain, notes = kind, ()
    if get_origin(kind) is Annotated:
        plain, *rest = get_args(kind)
        notes = tuple(rest)
    reference = node.get("$ref", "").removeprefix("#/$defs/")
    if reference in PACKED["$ref"]:
        (array,) = notes
        if not isinstance(array, Array) or len(array.shape) != PACKED["$ref"][reference]:
            yield f"{where}: {array} is not {reference}"
        return
    node = {**schema()["$defs"].get(reference, {}), **node}
    if get_origin(plain) in (Union, types.UnionType):
        yield from _union(get_args(plain), node, where)
    elif dataclasses.is_dataclass(plain):
        yield from _object(plain, node, where)
    elif get_origin(plain) is tuple:
        yield from _list(get_args(plain), notes, node, where)
    elif get_origin(plain) is Literal:
        if set(get_args(plain)) != set(node.get("enum", [node.get("const")])):
            yield f"{where}: {plain}"
    elif get_origin(plain) is dict:
        wanted = node["additionalProperties"]
        named = wanted["type"] if isinstance(wanted["type"], list) else [wanted["type"]]
        allowed = {PLAIN[name] for name in named}
        if not set(get_args(get_args(plain)[1]) or [get_args(plain)[1]]) - {int} <= allowed:
            yield f"{where}: {plain}"
    elif PLAIN.get(node.get("type", "")) is not plain:
        yield f"{where}: {plain} is not {node.get('type')}"
    else:
        yield from _scalar(notes, node, where)


def _union(choices: tuple[Any, ...], node: dict[str, Any], where: str) -> Iterator[str]:
    if isinstance(node.get("type"), list):
        node = {"anyOf": [{**node, "type": name} for name in node["type"]]}
    nodes = node["anyOf"]
    if len(nodes) != len(choices):
        yield f"{where}: {choices}"
    empty = {type(None): lambda n: n.get("type") == "null"}
    for choice in choices:
        if choice in empty:
            if not any(empty[choice](n) for n in nodes):
                yield f"{where}: may be null"
        elif not any(not list(lenient(choice, n, where)) for n in nodes if _alike(choice, n)):
            yield f"{where}: {choice}"


def _alike(choice: Any, node: dict[str, Any]) -> bool:
    return (getattr(choice, "__name__", "") == "Skipped") == (node.get("$ref") == SKIPPED)


def _object(kind: Any, node: dict[str, Any], where: str) -> Iterator[str]:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {f.name.rstrip("_"): f for f in dataclasses.fields(kind)}
    if (
        fields.keys() != node.get("properties", {}).keys()
        or node.get("additionalProperties") is not False
    ):
        yield f"{where}: has {sorted(fields)}"
        return
    must = {
        name
        for name, f in fields.items()
        if f.default is dataclasses.MISSING or "stated" in f.metadata
    }
    if not set(node.get("required", ())) <= must:
        yield f"{where}: {set(node['required']) - must} may be missing"
    for name, f in fields.items():
        yield from lenient(hints[f.name], node["properties"][name], f"{where}.{name}")


def _list(inner: tuple[Any, ...], notes: Any, node: dict[str, Any], where: str) -> Iterator[str]:
    if node.get("type") != "array":
        yield f"{where}: is a list"
    elif inner[-1] is Ellipsis:
        least = max((note.least for note in notes if isinstance(note, Length)), default=0)
        if node.get("minItems", 0) > least:
            yield f"{where}: may have {least} items"
        yield from lenient(inner[0], node["items"], f"{where}[]")
    else:
        each = node.get("prefixItems") or [node["items"]] * node["minItems"]
        if len(each) != len(inner):
            yield f"{where}: has {len(inner)} items"
        for one, wanted in zip(inner, each, strict=False):
            yield from lenient(one, wanted, f"{where}[]")


def _scalar(notes: Any, node: dict[str, Any], where: str) -> Iterator[str]:
    ranges = [note for note in notes if isinstance(note, Range)]
    low = max((r.low for r in ranges), default=-np.inf)
    high = min((r.high for r in ranges), default=np.inf)
    least = node.get("minimum", node.get("exclusiveMinimum", -np.inf))
    open_ended = "exclusiveMinimum" in node and not any(r.above for r in ranges)
    if low < least or high > node.get("maximum", np.inf) or open_ended:
        yield f"{where}: {ranges}"
    if "pattern" in node and not any(isinstance(note, Matches) for note in notes):
        yield f"{where}: any text"
    lengths = [note for note in notes if isinstance(note, Length)]
    if "maxLength" in node and not any(note.most <= node["maxLength"] for note in lengths):
        yield f"{where}: longer than {node['maxLength']}"


def test_no_type_allows_what_the_schema_does_not() -> None:
    """Else a worker's result, or a file, would pass the one and break the other."""
    assert list(lenient(Certificate, schema(), "$")) == []


def test_the_comparison_finds_what_is_lenient() -> None:
    assert list(lenient(Annotated[float, Range(0)], {"type": "number", "minimum": 1}, "$"))
    assert list(lenient(int, {"type": "integer", "minimum": 0}, "$"))
    assert list(lenient(str, {"type": "string", "pattern": "x"}, "$"))
    assert list(lenient(str, {"type": "integer"}, "$"))
    assert list(
        lenient(
            tuple[int, ...], {"type": "array", "minItems": 1, "items": {"type": "integer"}}, "$"
        )
    )

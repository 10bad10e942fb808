"""The JSON Schema of trigger files, made from the triggers' own fields; for editors."""

import dataclasses
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from auditor.files.constraints import Range
from auditor.triggers import TRIGGERS
from auditor.triggers.base import Trigger
from auditor.triggers.variant import Variant

Schema = dict[str, Any]

_PLAIN: dict[Any, str] = {int: "integer", float: "number", str: "string", bool: "boolean"}


def schema() -> Schema:
    """Return the schema (draft 2020-12)."""
    entries = {name: _object(kind, name) for name, kind in TRIGGERS.items()}
    reference = entries["patch"]["properties"]["reference"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bdaudit trigger file",
        "type": "object",
        "properties": {
            "version": {"const": 1},
            "reference": reference,
            "triggers": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "oneOf": [{"$ref": f"#/$defs/{name}"} for name in (*entries, "use")],
                },
            },
        },
        "required": ["version", "triggers"],
        "additionalProperties": False,
        "$defs": {**entries, "use": _object(Variant)},
    }


def _object(kind: Any, name: str = "") -> Schema:
    """Return the schema of a dataclass; `name` is the `type` that tells a trigger from others."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = dataclasses.fields(kind)
    properties: Schema = {"type": {"const": name}} if name else {}
    properties |= {f.name.rstrip("_"): _of(hints[f.name]) for f in fields}
    required = [f.name.rstrip("_") for f in fields if f.default is dataclasses.MISSING]
    return {
        "description": (kind.__doc__ or "").splitlines()[0],
        "type": "object",
        "properties": properties,
        "required": [*(["type"] if name else []), *required],
        "additionalProperties": False,
    }


def _of(kind: Any) -> Schema:
    """Return the schema of a field's type."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind is Path or kind is Trigger:  # a trigger inside another is named by its id
        return {"type": "string"}
    if kind is type(None):
        return {"type": "null"}
    if origin is Annotated:
        return {**_of(inner[0]), **_range(inner[1])}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(choice) for choice in inner]}
    if origin is tuple and inner[-1] is Ellipsis:
        return {"type": "array", "items": _of(inner[0])}
    if origin is tuple:
        count = len(inner)
        items = [_of(choice) for choice in inner]
        return {"type": "array", "prefixItems": items, "minItems": count, "maxItems": count}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(inner[1])}
    return _object(kind)


def _range(allowed: Range) -> Schema:
    lowest = "exclusiveMinimum" if allowed.above else "minimum"
    return {lowest: allowed.low, "maximum": allowed.high}

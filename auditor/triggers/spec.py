"""From what the user wrote (a built-in name, a YAML or JSON file) to a `Trigger`.

`square4` and `grid3` are built in. A file is named by its path; where it holds several triggers,
`FILE#ID` picks one.
"""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import yaml

from auditor.codec import from_json, no_array, to_json
from auditor.errors import InputError, UsageError
from auditor.text import printable
from auditor.triggers import TRIGGERS
from auditor.triggers.base import Trigger
from auditor.triggers.patch import Patch

BUILTIN = {
    "squareN": "white N×N square, bottom right (square4: the 4×4 square of BadNets)",
    "gridN": "N×N black-and-white checkerboard, bottom right (grid3: the pattern of BadNets)",
}
"""Built-in name → what it is; N counts pixels of a 32×32 image and scales with the input."""

_NAME = re.compile(r"(square|grid)([1-9][0-9]{0,2})")
_MAX_BYTES = 64 << 10  # what the YAML parser reads in two seconds


def load(spec: str) -> Trigger:
    """Return the trigger that `spec` names.

    Args:
        spec: `squareN`, `gridN`, a path to a `.yaml`, `.yml` or `.json` file, or `PATH#ID`.

    Raises:
        UsageError: No such name; or the file holds an unknown key, type or value.
        InputError: The file cannot be read.
    """
    if match := _NAME.fullmatch(spec):
        side = int(match[2])
        if match[1] == "square":
            return Patch(id=spec, size=(side, side))
        return Patch(id=spec, size=(side, side), pattern="checkerboard")
    path, _, chosen = spec.partition("#")
    if Path(path).suffix.lower() not in (".yaml", ".yml", ".json"):
        raise UsageError(
            f"{printable(spec)}: no such trigger; built in are {', '.join(BUILTIN)} "
            "(such as square4), anything else is a .yaml or .json trigger file"
        )
    triggers = read(Path(path))
    if chosen:
        triggers = [t for t in triggers if t.id == chosen] or _no_id(path, chosen, triggers)
    if len(triggers) > 1:
        ids = ", ".join(f"{path}#{t.id}" for t in triggers)
        raise UsageError(f"{printable(path)}: holds {len(triggers)} triggers; name one: {ids}")
    return triggers[0]


def read(path: Path) -> list[Trigger]:
    """Return every trigger of a trigger file.

    Raises:
        UsageError: The file's content is not a trigger file; names the place.
        InputError: The file cannot be read.
    """
    shown, document = printable(str(path)), _parse(path)
    if not isinstance(document, dict):
        raise UsageError(f"{shown}: not a trigger file: expected `version: 1` and `triggers:`")
    unknown = set(document) - {"version", "reference", "triggers"}
    if unknown:
        first = printable(str(sorted(map(str, unknown))[0]))
        raise UsageError(f"{shown}: unknown key {first!r}; known: version, reference, triggers")
    if document.get("version") != 1:
        raise UsageError(f"{shown}: version is {document.get('version')!r:.40}, but must be 1")
    entries = document.get("triggers")
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{shown}: `triggers` must be a list of at least one trigger")
    shared = {"reference": document["reference"]} if "reference" in document else {}
    triggers = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise UsageError(f"{shown}: triggers[{number}]: expected a mapping")
        given = {**shared, **entry}
        if isinstance(given.get("path"), str):
            given["path"] = str((path.parent / given["path"]).absolute())
        triggers.append(build(given, f"{shown}: triggers[{number}]"))
    ids = [t.id for t in triggers]
    if len(set(ids)) < len(ids):
        double = printable(next(i for i in ids if ids.count(i) > 1))
        raise UsageError(f"{shown}: two triggers have the id {double!r}")
    return triggers


def build(fields: dict[str, Any], where: str = "trigger") -> Trigger:
    """Return the trigger with these fields, `type` among them.

    Raises:
        UsageError: An unknown type or key, or a value that is not allowed.
    """
    own = dict(fields)
    kind = own.pop("type", None)
    if not isinstance(kind, str) or kind not in TRIGGERS:
        raise UsageError(f"{where}: type is {kind!r:.40}, known are {', '.join(TRIGGERS)}")
    try:
        trigger: Trigger = from_json(TRIGGERS[kind], own, no_array, where)
    except InputError as error:
        raise UsageError(str(error)) from error
    _check_ranges(trigger, where)
    return trigger


def fields(trigger: Trigger) -> dict[str, Any]:
    """Return the trigger as JSON values that `build` turns back."""
    return {"type": trigger.type, **to_json(trigger, no_array)}


def _check_ranges(trigger: Trigger, where: str) -> None:
    for field in dataclasses.fields(trigger):
        value = getattr(trigger, field.name)
        if field.name in ("size", "reference") and not all(1 <= v <= 65_536 for v in value):
            raise UsageError(f"{where}: {field.name} is {list(value)}, each must be 1 to 65536")
        if field.name == "offset" and not all(abs(v) <= 65_536 for v in value):
            raise UsageError(f"{where}: offset is out of range, each must be -65536 to 65536")
        if "color" in field.name and not all(0 <= v <= 255 for v in value):
            raise UsageError(f"{where}: {field.name} is {list(value)}, each must be 0 to 255")


def _parse(path: Path) -> Any:
    shown = printable(str(path))
    try:
        if not path.is_file():
            raise InputError(f"{shown}: no such trigger file")
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{shown}: trigger file of more than 64 KiB")
        text = path.read_text("utf-8")
        if path.suffix.lower() == ".json":
            return json.loads(text)
        return yaml.load(text, _PlainLoader)
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        reason = printable(" ".join(str(error).split()), 160)
        raise UsageError(f"{shown}: not valid YAML or JSON: {reason}") from error


class _PlainLoader(yaml.SafeLoader):
    """Plain values only; aliases, which can grow a small file without end, are refused."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (`*name`) are not allowed in a trigger file")
        return super().compose_node(parent, index)


def _no_id(path: str, chosen: str, triggers: list[Trigger]) -> list[Trigger]:
    ids = ", ".join(printable(t.id) for t in triggers)
    raise UsageError(f"{printable(path)}: no trigger {printable(chosen)!r}; there are {ids}")

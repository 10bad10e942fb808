"""Trigger files, YAML or JSON: read, checked, and whatever is wrong named with its line."""

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

from auditor.errors import InputError, UsageError
from auditor.files.codec import WrongField, from_json, no_array
from auditor.text import printable
from auditor.triggers.base import Trigger
from auditor.triggers.build import build
from auditor.triggers.builtin import builtin
from auditor.triggers.variant import Variant

_MAX_BYTES = 64 << 10  # what the YAML parser reads in two seconds
_KEYS = ("version", "reference", "triggers")
_FILES = ("path", "mask", "field")
"""Keys that name files, beside the trigger file unless absolute."""


def read(path: Path) -> list[Trigger]:
    """Return every trigger of a trigger file, in its order.

    Raises:
        UsageError: The file's content is not a trigger file; names the line.
        InputError: The file cannot be read, or one that it names is missing.
    """
    shown = printable(str(path))
    document, node = _parse(path, shown)

    def at(where: str) -> str:
        return f"{shown}, line {_line(node, where)}" if node else shown

    try:
        triggers = _triggers(document, path.parent)
    except WrongField as error:
        raise UsageError(f"{at(error.where)}: {error}") from error
    for number, trigger in enumerate(triggers):
        for file in trigger.files():
            if not os.path.lexists(file):
                where = at(f"triggers[{number}]")
                raise InputError(f"{where}: {printable(str(file))}: file is missing")
    return triggers


def _triggers(document: Any, folder: Path) -> list[Trigger]:
    if not isinstance(document, dict):
        raise WrongField("", "not a trigger file: expected `version: 1` and `triggers:`")
    unknown = sorted(set(document) - set(_KEYS))
    if unknown:
        first = printable(unknown[0])
        raise WrongField("", f"unknown key {first!r}; known: {', '.join(_KEYS)}", unknown[0])
    if document.get("version") != 1:
        raise WrongField("version", f"is {document.get('version')!r:.40}, but must be 1")
    entries = document.get("triggers")
    if not isinstance(entries, list) or not entries:
        raise WrongField("triggers", "must be a list of at least one trigger")
    shared = {"reference": document["reference"]} if "reference" in document else {}
    found: dict[str, Trigger] = {}
    for number, entry in enumerate(entries):
        where = f"triggers[{number}]"
        if not isinstance(entry, dict):
            raise WrongField(where, "expected a mapping")
        try:
            trigger = _trigger(entry, shared, found, folder, where)
        except UsageError as error:  # values that do not go together
            raise WrongField(where, str(error)) from error
        if trigger.id in found:
            raise WrongField(f"{where}.id", f"two triggers have the id '{printable(trigger.id)}'")
        found[trigger.id] = trigger
    return list(found.values())


def _trigger(
    entry: dict[str, Any],
    shared: dict[str, Any],
    above: dict[str, Trigger],
    folder: Path,
    where: str,
) -> Trigger:
    """Return one entry's trigger; what it refers to stands above it or is built in."""
    if "use" in entry:
        variant: Variant = from_json(Variant, entry, no_array, where)
        return variant.of(_named(variant.use, above, f"{where}.use"))
    given = {**shared, **entry}
    for key in _FILES:
        if isinstance(given.get(key), str):
            given[key] = str((folder / given[key]).absolute())
    parts = given.get("of")
    if given.get("type") == "compose" and isinstance(parts, list):
        given["of"] = [
            _named(part, above, f"{where}.of[{i}]") if isinstance(part, str) else part
            for i, part in enumerate(parts)
        ]
    return build(given, where)


def _named(name: str, above: dict[str, Trigger], where: str) -> Trigger:
    found = above.get(name) or builtin(name)
    if found is None:
        problem = f"no trigger '{printable(name, 40)}' stands above it, and none is built in"
        raise WrongField(where, problem)
    return found


def _parse(path: Path, shown: str) -> tuple[Any, yaml.Node | None]:
    """Return the file's values, and the tree that knows their lines."""
    try:
        if not path.is_file():
            raise InputError(f"{shown}: no such trigger file")
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{shown}: trigger file of more than 64 KiB")
        text = path.read_text("utf-8")
        if path.suffix.lower() == ".json":
            return json.loads(text), _json_lines(text)
        loader = _PlainLoader(text)
        node = loader.get_single_node()
        return (None if node is None else _text_keys(loader.construct_document(node))), node
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


def _json_lines(text: str) -> yaml.Node | None:
    """Return a JSON text's tree: YAML reads it, once tabs between values are blanks."""
    try:
        return _PlainLoader(text.replace("\t", " ")).get_single_node()
    except (yaml.YAMLError, RecursionError):
        return None


def _text_keys(value: Any) -> Any:
    """Return YAML's values with every key as text, as JSON has them: a map may say `3: 7`."""
    if isinstance(value, dict):
        return {str(key): _text_keys(inner) for key, inner in value.items()}
    return [_text_keys(inner) for inner in value] if isinstance(value, list) else value


def _line(node: yaml.Node, where: str) -> int:
    """Return the line of a value: `triggers[2].size[0]`; of what is around it, if it is missing."""
    line: int = node.start_mark.line + 1
    for step in re.findall(r"\[(\d+)\]|([^.\[\]]+)", where):
        inner = _inner(node, *step)
        if inner is None:
            return line
        at, node = inner
        line = at.start_mark.line + 1
    return line


def _inner(node: yaml.Node, index: str, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the node that a step leads to, after the one whose line is its line."""
    if index and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
        return node.value[int(index)], node.value[int(index)]
    if key and isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if str(k.value) == key), None)
    return None

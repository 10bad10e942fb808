"""Trigger files, YAML or JSON: read, checked, and whatever is wrong named with its line."""

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

from auditor.errors import InputError, UsageError
from auditor.files.codec import WrongField, from_json, no_array
from auditor.files.regular_file import open_regular
from auditor.files.stand_in import HEAD_BYTES, stand_in
from auditor.files.strict_json import strict
from auditor.files.strict_yaml import NoYaml, compose, value_of
from auditor.text import printable
from auditor.triggers.base import Trigger
from auditor.triggers.build import build
from auditor.triggers.builtin import builtin
from auditor.triggers.variant import Variant

_MAX_BYTES = 64 << 10  # what the YAML parser reads in two seconds
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_TOO_LARGE = 1 << 63
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
        _check_plain(document, "")
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
        with open_regular(path, _MAX_BYTES) as file:
            content = file.read(_MAX_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{shown}: no such trigger file") from error
    except OSError as error:
        raise InputError(f"{shown}: trigger file: {error.strerror}") from error
    if what := stand_in(content[:HEAD_BYTES]):
        raise InputError(f"{shown}: trigger file: is {what}")
    try:
        text = _text(content)
        if path.suffix.lower() == ".json":
            document, node = _json(text)
        else:
            node = compose(text)
            document = None if node is None else value_of(node)
    except NoYaml as error:
        at = f"{shown}, line {error.line}" if error.line else shown
        raise UsageError(f"{at}: not valid YAML or JSON: {_one_line(error)}") from error
    return document, node


def _text(content: bytes) -> str:
    """Decode a file, one that begins as Windows writes UTF-8 among it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NoYaml(f"{error.reason} in UTF-8; save the file as UTF-8", line) from error


def _json(text: str) -> tuple[Any, yaml.Node | None]:
    """Return a JSON text's values, and its tree where YAML can read it for the lines."""
    node, line = None, 0
    try:
        node = compose(text.replace("\t", " "))
    except NoYaml as error:  # such as of \\/, which JSON alone knows
        line = error.line
    try:
        return strict(text.encode("utf-8")), node
    except json.JSONDecodeError as error:
        raise NoYaml(f"{error.msg}, column {error.colno}", error.lineno) from error
    except ValueError as error:  # a key that stands twice, or no finite number
        if node is not None:
            value_of(node)  # which knows the line
        raise NoYaml(str(error), line) from error


def _one_line(error: Exception) -> str:
    return printable(" ".join(str(error).split()), 200)


def _check_plain(value: Any, where: str) -> None:
    """Refuse numbers and texts that no field can have, before anything shows or stores them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_plain(key, where)
            _check_plain(inner, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_plain(inner, f"{where}[{number}]")
    elif isinstance(value, str) and _NO_TEXT.search(value):
        raise WrongField(where, "a text with a null character or half of a surrogate pair")
    elif isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise WrongField(where, "a number too large")


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

"""Read an architecture (the JSON that Keras builds a model from) and check all that it names."""

import json
from typing import Any

from auditor.errors import InputError
from auditor.models.inspect.inspection import Findings
from auditor.models.inspect.keras_calls import quoted
from auditor.models.inspect.keras_growth import calls
from auditor.models.inspect.keras_names import MODELS
from auditor.models.inspect.keras_walk import ADVICE, Walk
from auditor.text import printable

_MAX_DEPTH = 64
_MAX_BYTES = 64 * 2**20
_MAX_VALUES = 2_000_000
_MAX_CALLS = 200_000
# Slack for what a file may store once and declare several times: shared layers, packed integers.
_SLACK_FACTOR, _SLACK_PARAMETERS = 4, 1_000_000


def parse_architecture(text: bytes | str, shown: str, findings: Findings) -> dict[str, Any]:
    """Parse the JSON as Keras does, with its size and nesting bounded.

    Args:
        text: The JSON.
        shown: The file's name for messages, already printable.
        findings: Told of keys that an object has twice: readers disagree on which one counts.

    Raises:
        InputError: It is not JSON, not an object, nested more than 64 deep, or too large.
    """
    repeated: set[str] = set()

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            repeated.update(key for key in found if sum(key == other for other, _ in pairs) > 1)
        return found

    # Counted before they are parsed: three bytes of "[]," become a list of 64.
    if len(text) > _MAX_BYTES or _values(text) > _MAX_VALUES:
        raise InputError(f"{shown}: the architecture has more than {_MAX_VALUES} values")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        config = json.loads(decoded, object_pairs_hook=unique)
    except RecursionError:
        raise InputError(f"{shown}: config is nested more than {_MAX_DEPTH} deep") from None
    except ValueError as error:
        raise InputError(
            f"{shown}: the architecture is not JSON ({printable(str(error))})"
        ) from None
    if not isinstance(config, dict):
        raise InputError(f"{shown}: the architecture is not a JSON object; save the model again")
    _check_depth(config, shown)
    for key in sorted(repeated):
        findings.add("config", f"the key {quoted(key)} stands twice in one object; Keras does not")
    return config


def check_architecture(config: dict[str, Any], stored: int, findings: Findings) -> None:
    """Find all that is unknown in an architecture, and whether it needs more than is stored.

    Args:
        config: What `parse_architecture` returned.
        stored: How many numbers the file's weights hold.
        findings: Told of it, with the JSON path, the reason and what to do.

    Raises:
        TooManyFindings: So much is wrong that the rest does not matter.
    """
    name = config.get("class_name")
    if not isinstance(name, str) or name not in MODELS:
        findings.add("class_name", f"not one of {', '.join(sorted(MODELS))}; {ADVICE}")
    walk = Walk(findings)
    walk.mapping(config, "")
    if not findings.all and (run := calls(config)) > _MAX_CALLS:
        shown = f"{run:,}" if run < 10**15 else "more than 10^15"
        findings.add(
            "config",
            f"running the model once comes to {shown} calls of layers, of which "
            f"{_MAX_CALLS:,} are allowed; rebuild it with its layers called one by one",
        )
    if not findings.all and walk.parameters > parameters_allowed(stored):
        findings.add(
            "config",
            f"the architecture needs at least {walk.parameters:.6g} parameters but the file "
            f"stores {stored}; it was not saved by Keras like this",
        )


def parameters_allowed(stored: int) -> int:
    """How many parameters a model may declare when its file stores this many numbers."""
    return _SLACK_FACTOR * stored + _SLACK_PARAMETERS


def layers_of(config: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return (name, class) of every layer of an architecture, nested ones included."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    found: list[tuple[str, str]] = []
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict):
            name = layer["config"].get("name")
            found.append((str(name)[:500], str(layer.get("class_name"))[:500]))
            found.extend(layers_of(layer))
    return tuple(found)


def _values(text: bytes | str) -> int:
    """At least as many values as the JSON has, without parsing it."""
    if isinstance(text, bytes):
        return sum(text.count(mark) for mark in (b",", b"[", b"{"))
    return sum(text.count(mark) for mark in (",", "[", "{"))


def _check_depth(config: dict[str, Any], shown: str) -> None:
    level: list[Any] = [config]
    for _ in range(_MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
    if level:
        raise InputError(f"{shown}: config is nested more than {_MAX_DEPTH} deep")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []

"""Triggers as JSON values, as files and the worker's jobs have them: from those, and to them."""

from collections.abc import Sequence
from typing import Any

from auditor.files.codec import WrongField, from_json, no_array, to_json
from auditor.triggers import TRIGGERS
from auditor.triggers.base import Trigger


def build(fields: dict[str, Any], where: str = "trigger") -> Trigger:
    """Return the trigger with these fields, `type` among them; the parts of a `compose` in it.

    Raises:
        WrongField: An unknown type or key, or a value that is not allowed.
        UsageError: Values that do not go together.
    """
    own = dict(fields)
    kind = own.pop("type", None)
    if kind is None:
        raise WrongField(where, f"the key 'type' is missing; one of {', '.join(TRIGGERS)}")
    if not isinstance(kind, str) or kind not in TRIGGERS:
        known = ", ".join(TRIGGERS)
        raise WrongField(where, f"type is {kind!r:.40}, known are {known}", "type")
    if kind == "compose" and isinstance(own.get("of"), list):
        own["of"] = [
            build(part, f"{where}.of[{i}]") if isinstance(part, dict) else part
            for i, part in enumerate(own["of"])
        ]
    trigger: Trigger = from_json(TRIGGERS[kind], own, no_array, where)
    return trigger


def fields(trigger: Trigger) -> dict[str, Any]:
    """Return the trigger as JSON values that `build` turns back."""
    own = {"type": trigger.type, **to_json(trigger, no_array)}
    if trigger.type == "compose":
        own["of"] = [fields(part) for part in getattr(trigger, "of", ())]
    return own


def job(triggers: Sequence[Trigger]) -> dict[str, Any]:
    """Return what a worker's job says of triggers: their fields, and the files they are read from.

    `build` turns each of the fields back.
    """
    return {
        "triggers": [fields(trigger) for trigger in triggers],
        "files": [str(path) for trigger in triggers for path in trigger.files()],
    }

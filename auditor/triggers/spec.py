"""From what the user wrote to triggers: a built-in name, or a trigger file.

`square4` and `sig` are built in. A file is named by its path; `FILE#ID` picks one of its triggers.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from auditor.codec import WrongField, from_json, no_array, to_json
from auditor.errors import UsageError
from auditor.text import printable
from auditor.triggers import TRIGGERS
from auditor.triggers.base import Trigger
from auditor.triggers.blend import Blend
from auditor.triggers.lsb import Lsb
from auditor.triggers.patch import Patch
from auditor.triggers.sinusoid import Sinusoid
from auditor.triggers.warp import Warp

BUILTIN = {
    "squareN": "white N×N square, bottom right (square4: the 4×4 square of BadNets)",
    "gridN": "N×N black-and-white checkerboard, bottom right (grid3: the pattern of BadNets)",
    "blend": "random pixels over the whole image at 20 % (Chen et al. 2017)",
    "sig": "stripes: a sinusoid of 6 periods, amplitude 40 (SIG, Barni et al. 2019)",
    "wanet": "the image warped by a smooth field, k 4, s 0.5 (WaNet, Nguyen and Tran 2021)",
    "lsb": "random bits in the lowest bit of every value (Li et al. 2020)",
}
"""Built-in name → what it is; N counts pixels of a 32×32 image and scales with the input."""

_WHOLE: dict[str, Callable[[str], Trigger]] = {
    "blend": lambda name: Blend(id=name),
    "sig": lambda name: Sinusoid(id=name),
    "wanet": lambda name: Warp(id=name),
    "lsb": lambda name: Lsb(id=name),
}
_SIZED = re.compile(r"(square|grid)([1-9][0-9]{0,2})")


def load(spec: str) -> Trigger:
    """Return the one trigger that `spec` names.

    Raises:
        UsageError: As `load_all`; or a file that holds several.
        InputError: The file cannot be read.
    """
    triggers = load_all(spec)
    if len(triggers) > 1:
        path = spec.partition("#")[0]
        ids = ", ".join(f"{path}#{t.id}" for t in triggers)
        raise UsageError(f"{printable(path)}: holds {len(triggers)} triggers; name one: {ids}")
    return triggers[0]


def load_all(spec: str) -> list[Trigger]:
    """Return the triggers that `spec` names.

    Args:
        spec: One of `BUILTIN`, a path to a `.yaml`, `.yml` or `.json` file, or `PATH#ID`.

    Raises:
        UsageError: No such name; or the file holds an unknown key, type or value.
        InputError: The file cannot be read.
    """
    if known := builtin(spec):
        return [known]
    path, _, chosen = spec.partition("#")
    if Path(path).suffix.lower() not in (".yaml", ".yml", ".json"):
        raise UsageError(
            f"{printable(spec)}: no such trigger; built in are {', '.join(BUILTIN)} "
            "(such as square4), anything else is a .yaml or .json trigger file"
        )
    from auditor.triggers.file import read

    triggers = read(Path(path))
    if chosen:
        triggers = [t for t in triggers if t.id == chosen] or _no_id(path, chosen, triggers)
    return triggers


def load_each(specs: Sequence[str]) -> list[Trigger]:
    """Return the triggers of several specs, each id once.

    Raises:
        UsageError: As `load_all`; or two triggers have the same id.
        InputError: A file cannot be read.
    """
    found: dict[str, Trigger] = {}
    for spec in specs:
        for trigger in load_all(spec):
            if trigger.id in found:
                raise UsageError(f"two triggers have the id '{printable(trigger.id, 60)}'")
            found[trigger.id] = trigger
    return list(found.values())


def builtin(name: str) -> Trigger | None:
    """Return the built-in trigger of this name; None where there is none."""
    if name in _WHOLE:
        return _WHOLE[name](name)
    if match := _SIZED.fullmatch(name):
        side = int(match[2])
        if match[1] == "square":
            return Patch(id=name, size=(side, side))
        return Patch(id=name, size=(side, side), pattern="checkerboard")
    return None


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


def _no_id(path: str, chosen: str, triggers: list[Trigger]) -> list[Trigger]:
    ids = ", ".join(printable(t.id) for t in triggers)
    raise UsageError(f"{printable(path)}: no trigger '{printable(chosen)}'; there are {ids}")

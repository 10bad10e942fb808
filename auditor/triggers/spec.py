"""From what the user wrote to triggers: a built-in name, or a trigger file.

`square4` and `sig` are built in. A file is named by its path; `FILE#ID` picks one of its triggers.
"""

from collections.abc import Sequence
from pathlib import Path

from auditor.errors import UsageError
from auditor.text import printable
from auditor.triggers.base import Trigger
from auditor.triggers.builtin import BUILTIN, builtin


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
    from auditor.triggers.file import read  # which needs YAML

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


def _no_id(path: str, chosen: str, triggers: list[Trigger]) -> list[Trigger]:
    ids = ", ".join(printable(t.id) for t in triggers)
    raise UsageError(f"{printable(path)}: no trigger '{printable(chosen)}'; there are {ids}")

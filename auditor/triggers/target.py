"""Where a trigger leads: to one class, from each class to another, from some classes only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from auditor.errors import UsageError
from auditor.files.constraints import Range
from auditor.text import printable


@dataclass(frozen=True)
class AllToAll:
    """Every class c leads to (c + k) mod the number of classes (BadNets, Gu et al. 2017).

    Attributes:
        all_to_all: k, 1 or more.
    """

    all_to_all: Annotated[int, Range(1, 1_000_000)] = 1


@dataclass(frozen=True)
class ClassMap:
    """Each class leads to one of its own; those not named are left alone.

    Attributes:
        map: Class → the class it leads to, both by index or name.
    """

    map: dict[str, int | str]


def class_index(wanted: str, names: Sequence[str], where: str) -> int:
    """Return the index of a class that is given by name or index; a name comes first.

    Args:
        wanted: Name or index.
        names: One a class.
        where: Who asks, for the error.

    Raises:
        UsageError: No such class.
    """
    if wanted in names:
        return list(names).index(wanted)
    if wanted.isascii() and wanted.isdigit() and int(wanted) < len(names):
        return int(wanted)
    some = ", ".join(printable(name, 40) for name in names[:10])
    more = ", …" if len(names) > 10 else ""
    raise UsageError(
        f"{where} {printable(wanted, 60)}: no such class; give 0 to {len(names) - 1} "
        f"or a name: {some}{more}"
    )


def leads(
    target: int | AllToAll | ClassMap,
    source: Sequence[int | str],
    names: Sequence[str],
    where: str,
) -> tuple[int, ...]:
    """Return the class that each class is led to; its own where the trigger leaves it alone.

    Args:
        target: Where it leads.
        source: The classes that it works on; empty for all.
        names: One a class.
        where: Whose target it is, for the error.

    Raises:
        UsageError: A class that does not exist, or no class is led anywhere.
    """
    count = len(names)
    victims = {class_index(str(c), names, f"{where}: source") for c in source} or set(range(count))
    if isinstance(target, AllToAll):
        led = [(c + target.all_to_all) % count for c in range(count)]
    elif isinstance(target, ClassMap):
        led = list(range(count))
        for from_, to in target.map.items():
            at = class_index(from_, names, f"{where}: target map")
            led[at] = class_index(str(to), names, f"{where}: target map")
    else:
        led = [target] * count
    led = [to if c in victims else c for c, to in enumerate(led)]
    if led == list(range(count)):
        raise UsageError(f"{where}: its target and source lead no class to another")
    return tuple(led)

"""Which class folder is the model's output 0, 1, 2, …: by name, by number, or as a list says."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.files.regular_file import read_regular
from auditor.text import printable

AUTO, BY_NAME, BY_NUMBER = "auto", "name", "number"
ORDERS = (AUTO, BY_NAME, BY_NUMBER)
"""The words that say how class folders are ordered; else a list of their names does."""

LISTS = ("classes.txt", "labels.txt")
"""Files in a data folder that name its classes, a line each, in the order of the outputs."""

MAX_BYTES = 4 * 2**20


@dataclass(frozen=True)
class ClassOrder:
    """Classes in the order of a model's outputs.

    Attributes:
        names: One a class.
        said: Where the order comes from, in words; empty where there is only one.
    """

    names: tuple[str, ...]
    said: str = ""

    def numbers(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return each class's number in this order, int64 (classes,).

        Args:
            names: The same classes in another order.
        """
        place = {name: number for number, name in enumerate(self.names)}
        return np.asarray([place[name] for name in names], np.int64)


def possible(names: Collection[str]) -> tuple[ClassOrder, ...]:
    """Return the orders that a network can have been trained with.

    Keras' and torchvision's loaders sort class folders as text: 0, 1, 10, 11, …, 2. A network that
    was trained from a table of labels counts: 0, 1, 2, …, 10. Names that differ in their number
    alone, `12` or `class_12`, leave both open.

    Args:
        names: Of the classes.

    Returns:
        By name, and by number where that is another order.
    """
    by_name, by_number = tuple(sorted(names)), tuple(sorted(names, key=_number_first))
    alike = len({re.sub(r"[0-9]+", "0", name) for name in names}) == 1
    if not alike or by_name == by_number:
        return (ClassOrder(by_name),)
    return (ClassOrder(by_name, "by name"), ClassOrder(by_number, "by number"))


def chosen(
    names: Collection[str], order: str | ClassOrder, where: str, what: str
) -> tuple[ClassOrder, ...]:
    """Return the order that is asked for, or those that are possible where none is.

    Args:
        names: Of the classes that there are images of.
        order: One of `ORDERS`, or the classes in their order; some may have no images.
        where: How messages call the source.
        what: How messages call one of the names.

    Raises:
        InputError: A list that does not name all, or an order by number of what has none.
    """
    if order == AUTO:
        return possible(names)
    if not isinstance(order, ClassOrder):
        return (_wanted(names, order, where, what),)
    if unknown := sorted(set(names) - set(order.names)):
        raise InputError(
            f"{where}: has a {what} {printable(unknown[0], 60)}, which the list of "
            f"{len(order.names)} classes does not name; every {what} needs its line"
        )
    return (order,)


def _wanted(names: Collection[str], order: str, where: str, what: str) -> ClassOrder:
    """Return the order that a user chose by a word.

    Args:
        names: Of the classes.
        order: `BY_NAME` or `BY_NUMBER`.
        where: How messages call the source.
        what: How messages call one of the names.

    Raises:
        InputError: By number, and a name has none.
    """
    if order == BY_NAME:
        return ClassOrder(tuple(sorted(names)), "by name, as asked")
    if without := [name for name in sorted(names) if not re.search("[0-9]", name)]:
        raise InputError(
            f"{where}: {what} {printable(without[0], 60)} has no number to be ordered by; "
            "give --class-order name, or a file with a class on each line"
        )
    return ClassOrder(tuple(sorted(names, key=_number_first)), "by number, as asked")


def beside(folder: Path, names: Collection[str], where: str) -> ClassOrder | None:
    """Return the order that a list beside images has; None where there is none of their classes.

    Args:
        folder: Which may hold one of `LISTS`.
        names: Of the classes that there are images of.
        where: How messages call the source.
    """
    for name in LISTS:
        try:
            found = listed(read_regular(folder / name, MAX_BYTES), where)
        except (OSError, InputError):
            continue  # of that name, but no list of classes
        if set(names) <= set(found):
            return ClassOrder(found, f"as {name} beside them has it")
    return None


def listed(content: bytes, where: str) -> tuple[str, ...]:
    """Read a list of classes: a name on each line, or its number and its name.

    Args:
        content: Of the file.
        where: How messages call it.

    Raises:
        InputError: It is no UTF-8 text, is empty, or names a class twice.
    """
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise InputError(f"{where}: is not UTF-8 text with a class on each line") from None
    names = tuple(line for line in lines if line)
    numbered = tuple(name.partition(" ") for name in names)
    if [number for number, _, _ in numbered] == [str(i) for i in range(len(names))] and all(
        name for _, _, name in numbered
    ):  # as Teachable Machine writes it
        names = tuple(name.strip() for _, _, name in numbered)
    if not names:
        raise InputError(f"{where}: names no class; a class on each line is needed")
    if twice := [name for i, name in enumerate(names) if name in names[:i]][:1]:
        raise InputError(f"{where}: names {printable(twice[0], 60)} twice; a class on each line")
    return names


def _number_first(name: str) -> tuple[list[tuple[int, str]], str]:
    """What sorts 2 before 10, and the rest as text."""
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)], name

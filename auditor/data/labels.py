"""Labels as a source has them, numbers or names, made the numbers of a model's classes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.data import class_order
from auditor.data.class_order import AUTO, ClassOrder
from auditor.errors import InputError
from auditor.figures.values import MOST_CLASSES
from auditor.text import printable


@dataclass(frozen=True, eq=False)
class Labels:
    """One label an image.

    Attributes:
        numbers: int64 (N,).
        names: One a class; None where the source has none.
        said: Where the order of the classes comes from, in words; empty where there is only one.
        orders: Orders that the classes may just as well be in; empty where it is settled.
    """

    numbers: NDArray[np.int64]
    names: tuple[str, ...] | None
    said: str = ""
    orders: tuple[ClassOrder, ...] = ()


def of_numbers(
    numbers: NDArray[np.int64], names: tuple[str, ...] | None, order: str | ClassOrder, where: str
) -> Labels:
    """Return labels that are numbers already; a list can but name them.

    Args:
        numbers: int64 (N,).
        names: One a class, where the source has them.
        order: `AUTO`, or the classes in their order.
        where: How messages call the source.

    Raises:
        InputError: An order by a word, or a list that contradicts the names.
    """
    if order == AUTO:
        return Labels(numbers, names)
    if not isinstance(order, ClassOrder):
        raise InputError(f"{where}: its labels are numbers; there is nothing to order by {order}")
    if names not in (None, order.names):
        raise InputError(f"{where}: its class_names are not those of the list, in its order")
    return Labels(numbers, order.names, order.said)


def of_names(
    found: Sequence[str],
    places: NDArray[np.int64],
    order: str | ClassOrder,
    where: str,
    what: str = "class",
) -> Labels:
    """Return labels that are names.

    Args:
        found: Different names.
        places: int64 (N,), each label's place among them.
        order: One of `class_order.ORDERS`, or the classes in their order.
        where: How messages call the source.
        what: How they call one of the names.

    Raises:
        InputError: The order does not fit.
    """
    orders = class_order.chosen(found, order, where, what)
    first = orders[0]
    numbers = first.numbers(found)[places] if len(found) else places
    if len(orders) > 1:
        return Labels(numbers, first.names, orders=orders)
    return Labels(numbers, first.names, first.said)


class Texts:
    """Collects labels that are texts, block by block.

    Attributes:
        found: The different texts, in the order in which they came.
    """

    def __init__(self, where: str) -> None:
        """Start with none.

        Args:
            where: How messages call what the labels are in.
        """
        self.found: dict[str, int] = {}
        self._where = where

    def numbers(self, texts: Iterable[Any]) -> list[int]:
        """Return each text's place in `found`.

        Args:
            texts: str or UTF-8 bytes.

        Raises:
            InputError: One is no text, is empty, or there are too many different ones.
        """
        return [self._number(text) for text in texts]

    def _number(self, text: Any) -> int:
        if isinstance(text, bytes):
            try:
                text = text.decode("utf-8")
            except UnicodeDecodeError:
                raise InputError(f"{self._where}: a label is not UTF-8 text") from None
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{self._where}: an image has no label; each needs one")
        number = self.found.setdefault(text.strip(), len(self.found))
        if number >= MOST_CLASSES:
            raise InputError(
                f"{self._where}: has more than {MOST_CLASSES:,} different labels, such as "
                f"{printable(text, 40)}; are these class labels?"
            )
        return number


def classes(numbers: NDArray[Any], start: int, where: str) -> NDArray[np.int64]:
    """Return numbers of classes, stored as bool, as whole numbers or as floating point.

    Args:
        numbers: (n,) or (n, 1).
        start: The row of the first.
        where: How messages call what they are in.

    Returns:
        (n,).

    Raises:
        InputError: One is not whole, or larger than any class is.
    """
    numbers = numbers.reshape(-1)
    good = np.ones(len(numbers), bool)
    if numbers.dtype.kind == "f":
        good = np.abs(numbers) < 2**31  # also false of NaN
        good &= numbers == np.rint(np.where(good, numbers, 0))
    elif numbers.dtype.kind == "u":
        good = numbers < 2**31
    if not good.all():
        bad = int(np.argmin(good))
        raise InputError(
            f"{where}: row {start + bad} is {numbers[bad]:g}; labels are whole numbers of classes, "
            "or their names"
        )
    return numbers.astype(np.int64)


def whole_numbers(texts: Iterable[str]) -> NDArray[np.int64] | None:
    """Return texts as the whole numbers that they are, int64 (n,); None where one is none.

    `3.0`, which pandas writes of whole numbers beside gaps, is 3.
    """
    numbers = []
    for text in texts:
        digits = text.strip().removesuffix(".0")
        if not digits.lstrip("-").isdecimal() or len(digits) > 18:
            return None
        try:
            numbers.append(int(digits))
        except ValueError:  # two signs
            return None
    return np.array(numbers, np.int64)

"""Read a FlatBuffer, every offset of it checked, and no more of it than a file may ask for.

A FlatBuffer is offsets all the way: a table points to a list of where its fields are (its vtable),
fields point to vectors, vectors to tables. Nothing keeps them from pointing outside of the file, or
a thousand times at the same part; so each is looked at, and all that is read is counted.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

MAX_PARTS = 300_000
"""Tables and elements of vectors that are read of a file; EfficientNetB0 has 5 thousand."""

MAX_TEXT = 65_536
"""Longest name that is read."""


class Damaged(Exception):
    """The bytes are no FlatBuffer of this kind; says what is wrong in a few words."""


class Buffer:
    """The bytes of a file, and how much of them has been read.

    Attributes:
        size: How many bytes there are.
    """

    def __init__(self, data: "mmap.mmap | bytes") -> None:
        self._data = data
        self.size = len(data)
        self._left = MAX_PARTS

    def root(self) -> "Table":
        """Return the table that everything hangs from."""
        return Table(self, self.follow(0))

    def number(self, kind: str, at: int) -> int:
        """Return the number at a place; `kind` is one letter of `struct`."""
        width = struct.calcsize(f"<{kind}")
        if not 0 <= at <= self.size - width:
            raise Damaged("an offset leads out of the file")
        return int(struct.unpack_from(f"<{kind}", self._data, at)[0])

    def follow(self, at: int) -> int:
        """Return where the offset at a place leads."""
        if not (offset := self.number("I", at)):
            raise Damaged("an offset leads nowhere")
        return at + offset

    def vector(self, at: int, width: int) -> tuple[int, int]:
        """Return where the elements of a vector start, and how many there are."""
        count = self.number("I", at)
        if count * width > self.size - at - 4:
            raise Damaged("a vector leads out of the file")
        return at + 4, count

    def take(self, start: int, size: int) -> bytes:
        """Return bytes that `vector` found."""
        return bytes(self._data[start : start + size])

    def count(self, parts: int) -> None:
        """Note that so many parts were read."""
        self._left -= parts
        if self._left < 0:
            raise Damaged(f"made of more than {MAX_PARTS} parts")


@dataclass(frozen=True)
class Table:
    """A table; its fields are known by their number.

    Attributes:
        buffer: The file.
        at: Where in it the table is.
    """

    buffer: Buffer
    at: int

    def __post_init__(self) -> None:
        self.buffer.count(1)
        _ = self._fields

    @cached_property
    def _fields(self) -> tuple[int, ...]:
        """Where each field is, from the table on; 0 for one that is not there."""
        vtable = self.at - self.buffer.number("i", self.at)
        length, size = (self.buffer.number("H", vtable + 2 * i) for i in (0, 1))
        if length < 4 or length % 2 or size < 4 or self.at + size > self.buffer.size:
            raise Damaged("a table of impossible size")
        self.buffer.number("B", vtable + length - 1)
        fields = tuple(self.buffer.number("H", vtable + i) for i in range(4, length, 2))
        if any(0 < field < 4 or field >= size for field in fields):
            raise Damaged("a field outside of its table")
        return fields

    def has(self, field: int) -> bool:
        """Whether a field is there."""
        return field < len(self._fields) and self._fields[field] > 0

    def number(self, field: int, kind: str, default: int = 0) -> int:
        """Return a number; `kind` is one letter of `struct`."""
        return self.buffer.number(kind, self._place(field)) if self.has(field) else default

    def text(self, field: int) -> str:
        """Return a name, whatever its bytes are; empty where there is none."""
        start, count = self.size_of(field)
        if count > MAX_TEXT:
            raise Damaged(f"a name of {count} bytes")
        return self.buffer.take(start, count).decode("utf-8", "backslashreplace")

    def numbers(self, field: int, kind: str) -> tuple[int, ...]:
        """Return a vector of whole numbers."""
        if not self.has(field):
            return ()
        width = struct.calcsize(f"<{kind}")
        start, count = self.buffer.vector(self.buffer.follow(self._place(field)), width)
        self.buffer.count(count)
        return struct.unpack(f"<{count}{kind}", self.buffer.take(start, count * width))

    def size_of(self, field: int, width: int = 1) -> tuple[int, int]:
        """Return where a vector starts and how many elements it has, reading none of them."""
        if not self.has(field):
            return 0, 0
        return self.buffer.vector(self.buffer.follow(self._place(field)), width)

    def table(self, field: int) -> "Table | None":
        """Return a table that this one points to."""
        if not self.has(field):
            return None
        return Table(self.buffer, self.buffer.follow(self._place(field)))

    def tables(self, field: int) -> "Iterator[Table]":
        """Give a vector of tables."""
        start, count = self.size_of(field, 4)
        for index in range(count):
            yield Table(self.buffer, self.buffer.follow(start + 4 * index))

    def _place(self, field: int) -> int:
        return self.at + self._fields[field]

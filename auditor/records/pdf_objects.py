"""The objects of a PDF as `report/pdf.py` writes it, and of no other (ISO 32000-2, 7.5).

A header; streams, one behind the other; among them one that holds all other objects, and last the
one table of where each lies; that table's place; the end of the file.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Final

from auditor.errors import InputError

_HEADER: Final = re.compile(rb"%PDF-1\.7\n%[\x80-\xff]{4}\n")
_BEGINNING: Final = re.compile(rb"(\d{1,8}) 0 obj\n<<")
_STRING: Final = re.compile(rb"\((?:[^\\()]|\\.)*\)|<[0-9A-Fa-f]*>", re.DOTALL)
_LONGEST: Final = 1 << 16
"""Bytes of a stream's dictionary."""
_MOST_TEXT: Final = 64 << 20
"""Bytes that the table, and the objects in the clear, may unfold to."""


@dataclass(frozen=True)
class Object:
    """One object.

    Attributes:
        text: What stands in the clear: of a stream, its dictionary.
        content: A stream's bytes, as they are stored.
        place: Where it begins in the file; −1 where it lies in a stream.
    """

    text: bytes
    content: bytes = b""
    place: int = -1


def objects(pdf: bytes) -> tuple[dict[int, Object], Object]:
    """Return all objects by number, and the one that the file is read from: its catalog.

    Raises:
        InputError: The file is not as bdaudit writes it.
    """
    streams, table = _streams(pdf)
    text = spelled_out(table.text)
    held = [(n, one) for n, one in streams.items() if b"/Type /ObjStm" in spelled_out(one.text)]
    if b"/Type /XRef" not in text or b"/Prev" in text or len(held) != 1:
        raise _otherwise("it was updated, or has no single table of its objects")
    (number, holder), width = held[0], _widths(text)
    inside = _inside(holder)
    places = {n: (1, one.place) for n, one in streams.items()}
    places |= dict.fromkeys(inside, (2, number))
    if len(places) != len(streams) + len(inside) or places != _places(table, width, list(inside)):
        raise _otherwise("its table says otherwise where its objects lie")
    found = streams | {n: Object(one) for n, one in inside.items()}
    root = found.get(number_in(rb"/Root (\d+) 0 R", text))
    if root is None:
        raise _otherwise("it has no catalog")
    return found, root


def spelled_out(text: bytes) -> bytes:
    """Return what stands in the clear, without its strings.

    Raises:
        InputError: A string does not end, or there is a comment.
    """
    bare = _STRING.sub(b"", text)
    if re.search(rb"[()%]", bare):
        raise _otherwise("a string in it does not end")
    return bare


def number_in(pattern: bytes, text: bytes) -> int:
    """Return the number that a pattern finds, which must stand there once.

    Raises:
        InputError: It does not.
    """
    found = re.findall(pattern, text)
    if len(found) != 1:
        raise _otherwise("a part of it is missing, or there twice")
    return int(found[0])


def unfolded(one: Object, most: int) -> bytes:
    """Return what a stream holds.

    Raises:
        InputError: It is damaged, cut off, or larger than `most` bytes.
    """
    if b"/Filter /FlateDecode" not in one.text:
        return one.content
    unfolding = zlib.decompressobj()
    try:
        content = unfolding.decompress(one.content, most)
    except zlib.error as error:
        raise InputError("a part of the PDF is damaged") from error
    if not unfolding.eof or unfolding.unused_data:
        raise InputError(f"a part of the PDF is cut off, or larger than {most} bytes")
    return content


def _streams(pdf: bytes) -> tuple[dict[int, Object], Object]:
    """Return the streams by number, and the last; nothing lies between or behind them."""
    header = _HEADER.match(pdf)
    if header is None:
        raise _otherwise("it begins otherwise")
    found: dict[int, Object] = {}
    place, last = header.end(), None
    while beginning := _BEGINNING.match(pdf, place):
        number, last = int(beginning[1]), _stream(pdf, place, beginning.end() - 2)
        if number in found:
            raise _otherwise("it has two objects of one number")
        found[number] = last
        place += len(beginning[0]) - 2 + len(last.text) + len(last.content) + len(_AROUND)
    if last is None or pdf[place:] != b"startxref\n%d\n%%%%EOF\n" % last.place:
        raise _otherwise("it was updated or cut off, or something lies between its parts")
    return found, last


_AROUND: Final = b"\nstream\n" + b"\nendstream\nendobj\n"


def _stream(pdf: bytes, place: int, start: int) -> Object:
    end = pdf.find(b">>\nstream\n", start, start + _LONGEST) + 2
    if end < start:
        raise _otherwise("one of its objects is no stream")
    text = pdf[start:end]
    length = number_in(rb"/Length (\d{1,10})(?![\d ])", spelled_out(text))
    begin = end + len(b"\nstream\n")
    if not pdf.startswith(b"\nendstream\nendobj\n", begin + length):
        raise _otherwise("one of its streams does not end where it says")
    return Object(text, pdf[begin : begin + length], place)


def _inside(holder: Object) -> dict[int, bytes]:
    """Return the objects that a stream holds, by number, in their order."""
    content, text = unfolded(holder, _MOST_TEXT), spelled_out(holder.text)
    first = number_in(rb"/First (\d{1,9})\b", text)
    pairs = content[:first].split()
    if len(pairs) != 2 * number_in(rb"/N (\d{1,8})\b", text) or not all(
        part.isdigit() and len(part) < 10 for part in pairs
    ):
        raise _otherwise("it does not say which objects lie in a stream")
    numbers, starts = [int(n) for n in pairs[::2]], [first + int(at) for at in pairs[1::2]]
    ends = [*starts[1:], len(content)]
    if len(set(numbers)) < len(numbers) or starts[:1] != [first] or ends != sorted(ends):
        raise _otherwise("objects in a stream overlap")
    return {n: content[a:b] for n, a, b in zip(numbers, starts, ends, strict=True)}


def _widths(text: bytes) -> tuple[int, int, int]:
    found = re.findall(rb"/W \[(\d) (\d) (\d)\]", text)
    if len(found) != 1:
        raise _otherwise("its table has no widths")
    one, two, three = map(int, found[0])
    return one, two, three


def _places(
    table: Object, widths: tuple[int, int, int], inside: list[int]
) -> dict[int, tuple[int, int]]:
    """Return each object's kind and place as the table has them; free numbers have none."""
    content, text, width = unfolded(table, _MOST_TEXT), spelled_out(table.text), sum(widths)
    count = number_in(rb"/Index \[0 (\d{1,8})\]", text)
    if not width or len(content) != count * width or count != number_in(rb"/Size (\d+)", text):
        raise _otherwise("its table is cut off")
    found = {}
    for number in range(count):
        kind, place, index = _entry(content[number * width : (number + 1) * width], widths)
        if kind == 2 and (index >= len(inside) or inside[index] != number):
            raise _otherwise("its table takes one object for another")
        if kind:
            found[number] = (kind, place)
    return found


def _entry(entry: bytes, widths: tuple[int, int, int]) -> tuple[int, int, int]:
    one, two = widths[0], widths[0] + widths[1]
    kind, place, index = entry[:one], entry[one:two], entry[two:]
    return int.from_bytes(kind), int.from_bytes(place), int.from_bytes(index)


def _otherwise(how: str) -> InputError:
    return InputError(f"the PDF is not as bdaudit writes it: {how}; render it again")

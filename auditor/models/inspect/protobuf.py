"""Parse a protobuf file without letting it ask for more memory than its size suggests."""

import contextlib
import mmap
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.text import printable

MAX_BYTES = 2**31 - 1
"""Longest message that protobuf reads."""

# An empty message is two bytes in the file and about 150 in memory: files of some size are counted
# through before they are parsed. NASNetLarge as a SavedModel, the largest seen, has 0.5 million.
_COUNTED_FROM = 4 * 2**20
_MAX_FIELDS = 2_000_000
_OUTLINE_FIELDS = 1000
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5


class _Damaged(Exception):
    """The bytes are no message of this kind."""


def parse(path: Path, kind: Any, what: str, shown: str) -> Any:
    """Read a file that holds one protobuf message.

    Args:
        path: The file.
        kind: The message class.
        what: What the file should be, as in "not ONNX".
        shown: The file's name for messages, already printable.

    Returns:
        The message, of class `kind`.

    Raises:
        InputError: The file is empty, too large, damaged, or made of too many parts.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    size = path.stat().st_size
    if not size:
        raise InputError(f"{shown}: the file is empty")
    if size > MAX_BYTES:
        raise InputError(
            f"{shown}: {size} bytes; {what} of more than 2 GiB keeps its weights in other files, "
            "which this does not read"
        )
    try:
        if size > _COUNTED_FROM and _has_more_fields(path, kind.DESCRIPTOR, _MAX_FIELDS):
            raise InputError(
                f"{shown}: made of more than {_MAX_FIELDS} parts; no image classifier is so large"
            )
        return kind.FromString(path.read_bytes())
    except (DecodeError, _Damaged) as error:
        reason = printable(str(error).split("\n")[0][:100])
        raise InputError(
            f"{shown}: damaged or not {what} ({reason or 'cut short'}); copy it again"
        ) from None


def outline(path: Path) -> dict[int, str]:
    """Return which fields a message seems to have: number → "number" or "bytes".

    Reading ends where the file does or is no message; nothing is read but what tells the fields.
    """
    found: dict[int, str] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        position = 0
        with contextlib.suppress(_Damaged):
            for _ in range(_OUTLINE_FIELDS):
                if position >= len(data):
                    break
                tag, position = _varint(data, position)
                found[tag >> 3] = "bytes" if tag & 7 == _LENGTH else "number"
                position = _skip(data, position, tag & 7)[1]
    return found


def _has_more_fields(path: Path, kind: Any, most: int) -> bool:
    """Whether a message and the messages in it have more than `most` fields in all."""
    children: dict[Any, dict[int, Any]] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        pending = [(0, len(data), kind)]
        while pending:
            position, end, kind = pending.pop()
            if kind not in children:
                children[kind] = {
                    f.number: f.message_type for f in kind.fields if f.message_type is not None
                }
            inside = children[kind]
            while position < end:
                most -= 1
                if most < 0:
                    return True
                tag, position = _varint(data, position)
                start, position = _skip(data, position, tag & 7)
                if position > end:
                    raise _Damaged("a part is longer than the whole")
                if tag & 7 == _LENGTH and tag >> 3 in inside:
                    pending.append((start, position, inside[tag >> 3]))
    return False


def _skip(data: mmap.mmap, position: int, wire_type: int) -> tuple[int, int]:
    """Return where a field's content starts and ends."""
    if wire_type == _VARINT:
        return position, _varint(data, position)[1]
    if wire_type == _LENGTH:
        length, start = _varint(data, position)
        return start, start + length
    if wire_type in (_EIGHT, _FOUR):
        return position, position + (8 if wire_type == _EIGHT else 4)
    raise _Damaged(f"wire type {wire_type}")


def _varint(data: mmap.mmap, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if position >= len(data):
            raise _Damaged("cut short")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise _Damaged("a number without an end")

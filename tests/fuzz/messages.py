"""Mutations of protobuf files: of the messages, and of how they are written down."""

from contextlib import suppress
from random import Random
from typing import Any

from tests.fuzz import raw

_NUMBERS = (0, 1, -1, 2, 7, 8, 16, 99, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63), 2**64 - 1)
_TEXTS = (
    "", "x", "../x", "/etc/passwd", "ai.onnx", "com.microsoft", "If", "Loop", "EPContext", "Conv",
    "WriteFile", "ReadFile", "PyFunc", "RestoreV2", "NoOp", "PartitionedCall", "location",
    "serving_default", "__saved_model_init_op", "\u202e", "x" * 3000, "\x1b[2J",
)  # fmt: skip
_LENGTH = 2
_LARGE = 4096
"""Bytes of a part that is not repeated many times: size alone finds nothing."""


def mutate(data: bytes, kind: Any, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Return the message with some of its fields, or of its bytes, changed.

    Args:
        data: The file.
        kind: The message class that it holds.
        rng: Where chance comes from.
        baits: Paths and addresses to name.
    """
    if rng.random() < 0.7:
        message = kind.FromString(data)
        for _ in range(rng.choice((1, 1, 2, 5))):
            # What the message class itself refuses.
            with suppress(ValueError, TypeError, OverflowError):
                _change(message, rng, (*_TEXTS, *baits))
        data = message.SerializePartialToString()
        if rng.random() < 0.8:
            return data
    return _rewire(data, rng) if rng.random() < 0.7 else raw.mutate(data, rng)


def _change(message: Any, rng: Random, texts: tuple[str, ...]) -> None:
    """Change one field, of this message or of one inside it."""
    present = message.ListFields()
    if not present or rng.random() < 0.05:
        field = rng.choice(message.DESCRIPTOR.fields)
    else:
        field, value = rng.choice(present)
        inside = _inside(value, rng)
        if inside is not None and rng.random() < 0.9:
            return _change(inside, rng, texts)
    value = getattr(message, field.name)
    if rng.random() < 0.1:
        message.ClearField(field.name)
    elif hasattr(value, "append"):
        _change_list(value, field, rng, texts)
    elif field.message_type is not None:
        value.SetInParent() if rng.random() < 0.5 else _nest(value, rng)
    else:
        setattr(message, field.name, _scalar(value, rng, texts))
    return None


def _inside(value: Any, rng: Random) -> Any:
    """Return a message in a field's value; None where there is none."""
    if hasattr(value, "append") and len(value):
        value = rng.choice(value)
    return value if hasattr(value, "ListFields") else None


def _change_list(values: Any, field: Any, rng: Random, texts: tuple[str, ...]) -> None:
    kind = rng.randrange(4)
    if kind == 0 and len(values):
        del values[rng.randrange(len(values))]
    elif kind == 1 and len(values):
        again = rng.choice(values)
        large = field.message_type is not None and again.ByteSize() > _LARGE
        values.extend([again] * (1 if large else rng.choice((1, 2, 50))))
    elif kind == 2 and field.message_type is None:
        values.append(_scalar(values[0] if len(values) else 0, rng, texts))
    elif field.message_type is None and len(values):
        values[rng.randrange(len(values))] = _scalar(values[0], rng, texts)
    elif field.message_type is not None:
        _nest(values.add(), rng)


def _scalar(old: Any, rng: Random, texts: tuple[str, ...]) -> Any:
    if isinstance(old, str):
        return rng.choice(texts)
    if isinstance(old, bytes):
        return raw.mutate(old, rng) if old else rng.choice(texts).encode()
    return rng.choice((*_NUMBERS, old + 1, 1e308, float("nan")))


def _nest(message: Any, rng: Random) -> None:
    """Fill an empty message as deep as its kinds allow, down to a depth that varies."""
    for _ in range(rng.choice((1, 5, 40, 120))):
        inner = [field for field in message.DESCRIPTOR.fields if field.message_type is not None]
        if not inner:
            return
        field = rng.choice(inner)
        value = getattr(message, field.name)
        if hasattr(value, "append"):
            message = value.add()
        else:
            value.SetInParent()
            message = value


def _rewire(data: bytes, rng: Random, depth: int = 0) -> bytes:
    """Change one field as it is written, here or in a part that reads as a message."""
    parts = _parts(data)
    if not parts:
        return raw.mutate(data, rng)
    index = rng.randrange(len(parts))
    tag, body = parts[index]
    if tag & 7 == _LENGTH and depth < 20 and rng.random() < 0.85 and _parts(body):
        parts[index] = tag, _rewire(body, rng, depth + 1)
        return b"".join(_joined(*part) for part in parts)
    written = [_joined(*part) for part in parts]
    written[index] = _odd(tag, body, rng)
    return b"".join(written)


def _odd(tag: int, body: bytes, rng: Random) -> bytes:
    kind = rng.randrange(7)
    if kind == 0:
        return _joined(tag, body) * rng.choice((0, 2, 2 if len(body) > _LARGE else 50))
    if kind == 1:
        return _varint(rng.choice((tag ^ 1, tag ^ 2, tag + 8, 0, 3, 4, 7, 2**32 - 1))) + body
    if kind == 2:
        return _varint(tag) + _varint(rng.choice(_NUMBERS) % 2**64)
    if kind == 3:
        return _varint(tag) + b"\xff" * 11
    if kind == 4:
        return _varint(tag) + _varint(rng.choice((2**31, 2**40, len(body) + 1))) + body
    if kind == 5:
        for _ in range(rng.choice((2, 50, 150))):
            body = _joined(tag & ~7 | _LENGTH, body)
        return body
    return _joined(tag, raw.mutate(body, rng)) if tag & 7 == _LENGTH else _varint(tag)


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Return a message's fields as (tag, content); empty for what does not read as one."""
    found, at = [], 0
    try:
        while at < len(data):
            tag, at = _read_varint(data, at)
            start = at
            if tag & 7 == 0:
                at = _read_varint(data, at)[1]
            elif tag & 7 == _LENGTH:
                length, start = _read_varint(data, at)
                at = start + length
            elif tag & 7 in (1, 5):
                at += 8 if tag & 7 == 1 else 4
            else:
                return []
            if at > len(data):
                return []
            found.append((tag, data[start:at]))
    except IndexError:
        return []
    return found


def _joined(tag: int, body: bytes) -> bytes:
    return _varint(tag) + (_varint(len(body)) if tag & 7 == _LENGTH else b"") + body


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])

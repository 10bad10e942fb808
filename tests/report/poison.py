"""Records in which every text, whatever it says, is also an attack on whoever shows it."""

import dataclasses
import types
import typing
import unicodedata
from typing import Any, Literal, TypeVar

RAW = (
    "\x1b[31m\x1b]0;owned\x07\x9b2J\u202e\u2066\u200b\u200d\ufeff\U000e0041\U000e0101"
    "\u3164\0\x7f\u2028"
)
"""Escape sequences, C1, bidirectional, zero-width, tag and filler characters."""

MARKUP = "[red][link=x]<b>x"

SHOWN = r"\x1b[31m\x1b]0;owned\x07\x9b2J\u202e\u2066\u200b\u200d\ufeff\U000e0041\U000e0101".lower()

T = TypeVar("T")

_KEPT = frozenset({"metric", "schema", "sha256", "created"})
"""Fields that are read for what they say: keys, digests and times, which are checked elsewhere."""


def poisoned(value: T, kind: Any = None, text: str = f"{MARKUP}{RAW}") -> T:
    """Return a record with `text` after every text in it, but for fields of a few known words."""
    found: Any = value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = typing.get_type_hints(type(value))
        changed = {
            field.name: poisoned(
                getattr(value, field.name), hints[field.name], _fitting(field.name, text)
            )
            for field in dataclasses.fields(value)
            if field.init and field.name not in _KEPT
        }
        found = dataclasses.replace(value, **changed)
    elif isinstance(value, str) and not _of_known_words(kind):
        found = value + text
    elif isinstance(value, tuple | list):
        found = type(value)(poisoned(inner, None, text) for inner in value)
    elif isinstance(value, dict):
        found = {key: poisoned(inner, None, text) for key, inner in value.items()}
    return typing.cast(T, found)


def _fitting(name: str, text: str) -> str:
    """Return as much as a field may have: the name of a phase has at most 20 characters."""
    return text[-9:] if name == "phase" else text


def _of_known_words(kind: Any) -> bool:
    """Whether a field may be one of a few words only, or None."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return any(map(_of_known_words, typing.get_args(kind)))
    return typing.get_origin(kind) is Literal


HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def hidden(text: str) -> set[str]:
    """Return what a text hides, the ends of lines aside."""
    found = {c for c in text if unicodedata.category(c) in HIDDEN} - {"\n"}
    return found | {*text} & {*RAW} - {*map(chr, range(32, 127))}

"""JSON from outside, read in the one way in which nobody can read it otherwise."""

import json
from collections.abc import Iterable
from typing import Any, Final

from auditor.files.codec import finite

_MOST_DEEP: Final = 50
"""Levels of objects and lists: far more than an audit has, far fewer than trouble a reader."""

_MOST_VALUES: Final = 4_000_000
"""Of everything inside each other: an audit of one trigger has some 16 a class."""

_MOST_DIGITS: Final = 20
"""Of a whole number: 64 bits have 19 and a sign."""


def strict(content: bytes) -> Any:
    """Parse JSON, with nothing in it that two readers may take differently.

    What it may cost is bounded before it is parsed: three bytes of `[],` become a list of 64.

    Raises:
        ValueError: It is no UTF-8 or no JSON (RFC 8259), a key stands twice in one object, a number
            is not finite or has more than 20 digits, it is nested more than 50 times, or may hold
            more than 4,000,000 values; says which.
    """
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > _MOST_VALUES:
        raise ValueError(f"it may hold more than {_MOST_VALUES:,} values, which are too many")
    try:
        found = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_whole,
            parse_float=finite,
            parse_constant=finite,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [found]
    for _ in range(_MOST_DEEP):
        level = [inner for value in level for inner in _within(value)]
        if not level:
            return found
    raise ValueError(f"it is nested too deeply: more than {_MOST_DEEP} times")


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(
            f"{text:.20}… has {len(text):,} digits, of which at most {_MOST_DIGITS} are allowed"
        )
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r:.40} stands twice in one object")
        found[key] = value
    return found

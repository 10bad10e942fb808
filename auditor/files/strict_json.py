"""JSON from outside, read in the one way in which nobody can read it otherwise."""

import json
from collections.abc import Iterable
from typing import Any, Final

from auditor.files.codec import finite

_MOST_DEEP: Final = 50
"""Levels of objects and lists: far more than an audit has, far fewer than trouble a reader."""


def strict(content: bytes) -> Any:
    """Parse JSON, with nothing in it that two readers may take differently.

    Raises:
        ValueError: It is no UTF-8 or no JSON (RFC 8259), a key stands twice in one object, a number
            is not finite, or it is nested too deeply; says which.
    """
    try:
        found = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r:.40} stands twice in one object")
        found[key] = value
    return found

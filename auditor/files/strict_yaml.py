"""YAML from outside, as plain values only, read in the one way in which all can read it.

YAML 1.1 as PyYAML parses it, less what surprises: no aliases, no merge keys, no tags but those of
JSON's values, no times, no numbers in sexagesimal, no key twice.
"""

import math
import re
from collections.abc import Callable
from typing import Any, Final

import yaml

_MOST_DEEP: Final = 50
_LARGEST: Final = 1 << 63
_TAG: Final = "tag:yaml.org,2002:"
_INT: Final = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")
_OCTAL: Final = re.compile(r"[-+]?0[0-9_]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")
_TRUTH: Final = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_NOTHING: Final = {"", "~", "null"}
_PLAIN: Final = ("bool", "int", "float", "null")


class NoYaml(ValueError):
    """A text that cannot be taken; the message says why.

    Attributes:
        line: Its line, from 1; 0 where that is not known.
    """

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


def compose(text: str) -> yaml.Node | None:
    """Return the tree of a YAML text, which knows its lines; None for an empty one.

    Raises:
        NoYaml: It is none, holds an alias or several documents, or is nested too deeply.
    """
    loader = None
    try:
        loader = _Composer(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:  # of a character that no text may hold
        line = text.count("\n", 0, error.position) + 1
        raise NoYaml(f"the character {chr(error.character)!a}: {error.reason}", line) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise NoYaml(said, mark.line + 1 if mark else 0) from error
    except (ValueError, OverflowError) as error:
        line = loader.get_mark().line + 1 if loader else 0
        raise NoYaml(f"an escape or number that cannot be read: {error}", line) from error


def value_of(node: yaml.Node) -> Any:
    """Return a tree's value: maps by text, lists, texts, numbers, truth values and None.

    Raises:
        NoYaml: A tag that is not known, a value that its tag does not fit, or a key that is no
            word or stands twice.
    """
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        check_keys(node)
        return {_key(key): value_of(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        return [value_of(value) for value in node.value]
    kind = node.tag.removeprefix(_TAG)
    if not isinstance(node, yaml.ScalarNode) or kind not in _SCALARS:
        tag = node.tag.replace(_TAG, "!!")
        raise _wrong(node, f"the tag {tag!r:.60} is not allowed here; leave it out")
    try:
        return _SCALARS[kind](node.value)
    except (ValueError, KeyError, OverflowError) as error:
        said = f": {error}" if isinstance(error, ValueError) else ""
        raise _wrong(node, f"{node.value!r:.40} is no {_WORDS[kind]}{said:.100}") from error


def check_keys(node: yaml.MappingNode) -> None:
    """Refuse a key that stands twice in a map, or that is no word or number.

    Raises:
        NoYaml: There is one.
    """
    seen = set()
    for key, _ in node.value:
        name = _key(key)
        if name in seen:
            raise _wrong(key, f"the key {name!r:.40} stands twice")
        seen.add(name)


def _key(node: yaml.Node) -> str:
    """Return a key as text, as JSON has them: a map may say `3: 7`."""
    if not isinstance(node, yaml.ScalarNode):
        raise _wrong(node, "a key must be a word or a number")
    return str(value_of(node))


class _Composer(yaml.SafeLoader):
    """Makes the tree; aliases, which can grow a small file without end, are refused."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            problem = "aliases (`*name`) are not allowed in a trigger file"
            raise yaml.MarkedYAMLError(None, None, problem, mark)
        self._depth += 1
        if self._depth > _MOST_DEEP:
            problem = f"it is nested too deeply: more than {_MOST_DEEP} times"
            raise yaml.MarkedYAMLError(None, None, problem, mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        """Leave what only looks like a time, a merge key or the like a text."""
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        if kind is not yaml.ScalarNode or not implicit[0]:
            return tag
        plain = tag.removeprefix(_TAG) in _PLAIN and ":" not in value
        return tag if plain else f"{_TAG}str"


def _whole(text: str) -> int:
    if _OCTAL.fullmatch(text):
        text = _same_in_both(text)
    if not _INT.fullmatch(text):
        raise ValueError("write it in decimal digits")
    number = int(text.replace("_", ""), 0)
    if abs(number) >= _LARGEST:
        raise ValueError("it is too large")
    return number


def _same_in_both(text: str) -> str:
    """Return a number without the zeros before it, where octal and decimal are the same."""
    digits = text.replace("_", "")
    if not set(digits) <= set("+-01234567") or int(digits, 8) != int(digits):
        raise ValueError("octal in one YAML, decimal in another; leave out the 0 before it")
    return str(int(digits))


def _number(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError("write it in decimal digits")
    number = float(text.replace("_", ""))
    if not math.isfinite(number):
        raise ValueError("it is too large")
    return number


def _nothing(text: str) -> None:
    if text.lower() not in _NOTHING:
        raise KeyError(text)


_SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    "str": str,
    "int": _whole,
    "float": _number,
    "bool": lambda text: _TRUTH[text.lower()],
    "null": _nothing,
}
_WORDS: Final = {
    "str": "text",
    "int": "whole number",
    "float": "finite number",
    "bool": "true or false",
    "null": "null",
}


def _wrong(node: yaml.Node, problem: str) -> NoYaml:
    return NoYaml(problem, node.start_mark.line + 1)

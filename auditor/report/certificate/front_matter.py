"""The YAML front matter of a model card, changed as text: all but one marked block stays as it is.

YAML is read to find places and to see that the result holds, never written out again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import yaml

from auditor.errors import InputError

_FENCE: Final = re.compile(r"---[ \t]*\r?")
_BEGIN: Final = re.compile(r"^( *)# bdaudit:begin[^\n]*\n", re.M)
_END: Final = re.compile(r"^ *# bdaudit:end[^\n]*(\n|\Z)", re.M)
_KEY: Final = "model-index"


@dataclass(frozen=True)
class Card:
    """A model card, taken apart.

    Attributes:
        start: What stands before the front matter's content: its fence, if there is one.
        matter: The YAML.
        rest: Its closing fence and everything after.
        newline: How lines end.
    """

    start: str
    matter: str
    rest: str
    newline: str


def with_results(text: str, name: str, results: Sequence[str]) -> str:
    """Return a card with results in its `model-index`, in a block that is marked as bdaudit's.

    Args:
        text: The card.
        name: The model's name as a YAML value, for a card that has no `model-index` yet.
        results: The lines of the results, as items of a list in YAML.

    Raises:
        InputError: The front matter is broken, or has a `model-index` that cannot be added to.
    """
    card = taken_apart(text)
    before = _keys(card.matter)
    matter = _marked(card, name, results)
    after = _keys(matter, "with the results added, ")
    if after not in (before, [*before, _KEY]):
        raise InputError("the front matter cannot be added to: write its keys one a line")
    return f"{card.start}{matter}{card.rest}"


def taken_apart(text: str) -> Card:
    """Return a card's parts; one without front matter is given empty fences.

    Raises:
        InputError: The front matter is never closed.
    """
    lines = re.findall(r"[^\n]*\n|[^\n]+\Z", text)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    if not lines or not _FENCE.fullmatch(lines[0].removeprefix(mark).removesuffix("\n")):
        body = text.removeprefix(mark)
        return Card(
            f"{mark}---{newline}", "", f"---{newline}{newline if body else ''}{body}", newline
        )
    for number, line in enumerate(lines[1:], start=1):
        if _FENCE.fullmatch(line.removesuffix("\n")):
            return Card(lines[0], "".join(lines[1:number]), "".join(lines[number:]), newline)
    raise InputError("line 1: the front matter opens with --- and is never closed")


def _keys(matter: str, when: str = "") -> list[str]:
    """Return the top-level keys in order.

    Raises:
        InputError: It is no YAML mapping, or a key stands in it twice.
    """
    try:
        node = yaml.compose(matter, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise InputError(
            f"line {line}: {when}the front matter is no YAML: {error.problem}"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{when}the front matter is no YAML") from error
    if node is None:
        return []
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"line 2: {when}the front matter is no mapping of keys to values")
    keys = [str(key.value) for key, _ in node.value]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise InputError(f"{when}the key {twice[0]!r:.40} stands twice in the front matter")
    return keys


def _marked(card: Card, name: str, results: Sequence[str]) -> str:
    """Return the YAML with the marked block in it, where it was or where it belongs."""
    matter = card.matter
    begins, ends = list(_BEGIN.finditer(matter)), list(_END.finditer(matter))
    if len(begins) != len(ends) or len(begins) > 1:
        raise InputError("the front matter must have one # bdaudit:begin and one # bdaudit:end")
    whole = [f"{_KEY}:", f"- name: {name}", "  results:", *(f"  {line}" for line in results)]
    if begins:
        start, end, indent = begins[0].start(), ends[0].end(), begins[0][1]
        inside = matter[begins[0].end() : ends[0].start()]
        if not inside.startswith((f"{_KEY}:", f"{indent}- ")) or begins[0].end() > ends[0].start():
            raise InputError(
                "what stands between # bdaudit:begin and # bdaudit:end is not bdaudit's"
            )
        block = whole if inside.startswith(_KEY) else results
    elif _KEY in _keys(matter):
        start, indent = _place(matter)
        end, block = start, results
    else:
        start = end = len(matter)
        indent, block = "", whole
    marked = ["# bdaudit:begin (written by bdaudit report)", *block, "# bdaudit:end"]
    laid = "".join(f"{indent}{line}{card.newline}" for line in marked)
    return matter[:start] + laid + matter[end:]


def _place(matter: str) -> tuple[int, str]:
    """Return where results can be added to the first model of an index, and how far indented.

    Raises:
        InputError: It is not written as a list whose items begin with a dash.
    """
    root = yaml.compose(matter, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    index = next(value for key, value in root.value if key.value == _KEY)
    results = None
    if isinstance(index, yaml.SequenceNode) and index.value:
        first = index.value[0]
        if isinstance(first, yaml.MappingNode) and not first.flow_style:
            results = next((value for key, value in first.value if key.value == "results"), None)
    listed = isinstance(results, yaml.SequenceNode) and results.value and not results.flow_style
    if not listed or any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(matter)):
        raise InputError(
            f"the front matter's {_KEY} cannot be added to: write it as a list with results, an "
            "item a line, and without aliases"
        )
    assert results is not None
    end = _last(results)
    if matter[end - 1] != "\n":  # but for a block of text, which ends with its line
        end = matter.find("\n", end) + 1 or len(matter)
    return end, " " * results.start_mark.column


def _last(node: yaml.Node) -> int:
    """Return where a node's last word ends."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _last(last[1] if isinstance(last, tuple) else last)

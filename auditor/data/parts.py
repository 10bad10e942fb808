"""Which part of a data set is taken, where its files are of several."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from auditor.data.splits import split_of
from auditor.errors import InputError
from auditor.text import printable

_SHARD = re.compile(r".*-(\d{5})-of-(\d{5})(\.[a-z]+)?")


def choose(parts: Iterable[str], wanted: str, where: str) -> str:
    """Return the part to take: what was asked for, the one without a name, or the test split.

    Args:
        parts: What parts are called; "" for what has no name.
        wanted: What the user named; empty for nothing.
        where: How messages call the source.

    Raises:
        InputError: There is no such part, or several that it may be.
    """
    known = sorted(parts)
    if wanted:
        same = [part for part in known if part == wanted]
        same = same or [part for part in known if part and split_of(part) == split_of(wanted) != ""]
        if not same:
            shown = printable(", ".join(filter(None, known)) or "none", 200)
            raise InputError(f"{where}: has no part {printable(wanted, 40)}; it has: {shown}")
        return same[0]
    if len(known) == 1 or "" in known:
        return known[0]
    tests = [part for part in known if split_of(part) == "test"]
    if len(tests) == 1:
        return tests[0]
    choices = printable(" or ".join(f"{where}:{part}" for part in known if part), 300)
    raise InputError(f"{where}: has several parts and not one to test with; give {choices}")


def asked(parts: Iterable[str], words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the part that the first of some words names, empty for none, and the other words.

    Args:
        parts: What parts are called.
        words: What the user wrote behind colons.
    """
    if words and (split_of(words[0]) or words[0] in parts):
        return words[0], words[1:]
    return "", words


def said(part: str, parts: Mapping[str, object]) -> str:
    """Return which part was taken, in words; empty where there is no other."""
    others = sorted(other for other in parts if other != part)
    return f"{part}, of {', '.join([part, *others])}" if others else ""


def check_whole(shards: Iterable[Path], where: str) -> None:
    """Refuse a set of shards (`…-00001-of-00005`) of which one is missing.

    Raises:
        InputError: Names the first.
    """
    counted = [match for path in shards if (match := _SHARD.fullmatch(path.name))]
    for total in sorted({int(match[2]) for match in counted}):
        there = {int(match[1]) for match in counted if int(match[2]) == total}
        if missing := [number for number in range(min(total, 100_000)) if number not in there]:
            raise InputError(
                f"{where}: {len(there)} of {total} files are there; {missing[0]:05}-of-{total:05} "
                "is missing: download it again"
            )

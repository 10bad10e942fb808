"""Trigger files, mutated at random: each is taken, or refused in one line that names its place."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auditor.errors import AuditorError, InputError, UsageError
from auditor.triggers.base import Trigger
from auditor.triggers.file import read
from auditor.triggers.picture import Source

CASES = 600

SEED = """\
version: 1
reference: [32, 32]
triggers:
  - {id: one, type: patch, size: [4, 4], color: [255, 0, 10], target: 3}
  - id: two
    type: blend
    path: p.npz
    alpha: 0.2
    target: {map: {3: 7, 1: 2}}
  - {id: three, type: compose, of: [one, two]}
  - {id: four, use: one, target: 2}
"""

PARTS = (
    *('!!int ""', "!!int x", '!!float ""', "!!float .nan", '!!bool ""', "!!null 3", "!!str [a]"),
    *('!!binary "***"', "!!timestamp foo", "!!set {a}", "!!omap [a]", "!!pairs [a: b]", "!x y"),
    *("!!map [a]", "!!seq {a: b}", "!!python/tuple [1]", "!<tag:yaml.org,2002:int> ''", "! a"),
    *("2001-12-14t21:59:43.10-05:00", "0001-01-01", "9999-99-99", "1:30", "190:20:30.15"),
    *("0o17", "0777", "0b2", "0x", "0xfffffffffffffffffffffff", "1e999", "-.inf", ".nan", "1_0"),
    *(r'"\UFFFFFFFF"', r'"\ud800"', r'"\x"', r'"\0"', "'", '"', "\0", "\x1b", "\x85", "\u2028"),
    *("\ufeff", "\ufffe", "\t", "\n", "\n\n", " ", "\r", "&a ", "*a", "&a [*a]", "<<: ", "<<: [1]"),
    *("? ", "? [a]: b", ": ", "- ", "---\n", "...\n", "%YAML 1.1\n", "%TAG ! x\n", "#", "|", ">\n"),
    *("[" * 60, "{" * 60, "]", "}", ",", "9" * 5000, "- " * 60, "~", "=", "@", "`", "%", "\\"),
    *("one", "size", "version: 1\n", "target: ", "yes", "null", "{}", "[]", "''"),
)


def mutated(text: str, chance: random.Random) -> str:
    """Return a text with some parts put in, taken out, doubled, or exchanged."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 0, 1, 3, 10)))
        words = [m.span() for m in re.finditer(r"[\w.]+", text)]
        if words and chance.random() < 0.5:
            start, end = chance.choice(words)
        part = chance.choice((*PARTS, text[chance.randrange(len(text) + 1) :][:20]))
        text = text[:start] + part + text[end:]
    return text


def check(work: Callable[[], object], path: Path, seed: int, errors: tuple[type, ...]) -> None:
    try:
        work()
    except errors as error:
        said = str(error)
        assert said.startswith(str(path)), (seed, said)
        assert said.isprintable(), (seed, said)
    except AuditorError as error:
        pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_trigger_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{suffix}"
    np.savez(tmp_path / "p.npz", pattern=np.zeros((4, 4, 3), np.uint8))
    path.write_text(SEED if suffix == "yaml" else as_json())
    assert [trigger.id for trigger in read(path)] == ["one", "two", "three", "four"]
    seed_text = path.read_text()
    for seed in range(CASES):
        chance = random.Random(seed)
        content = mutated(seed_text, chance).encode("utf-8", "surrogatepass")
        if chance.random() < 0.1:
            content = content.decode("utf-8", "replace").encode(chance.choice(("utf-16", "utf-7")))
        path.write_bytes(content)
        check(lambda: stored(read(path)), path, seed, (UsageError, InputError))


def stored(triggers: list[Trigger]) -> None:
    """What is taken can be kept: texts are texts, and numbers JSON's."""
    for trigger in triggers:
        json.dumps([trigger.id, trigger.summary()], ensure_ascii=False).encode("utf-8")


def as_json() -> str:
    return json.dumps(
        {
            "version": 1,
            "reference": [32, 32],
            "triggers": [
                {"id": "one", "type": "patch", "size": [4, 4], "color": [255, 0, 10], "target": 3},
                {"id": "two", "type": "blend", "path": "p.npz", "alpha": 0.2},
                {"id": "three", "type": "compose", "of": ["one", "two"]},
                {"id": "four", "use": "one", "target": 2},
            ],
        },
        indent=1,
    )


@pytest.mark.filterwarnings("error")
def test_a_mask(tmp_path: Path) -> None:
    """Of the bytes of an `.npz` some are changed, or its arrays are odd ones."""
    path = tmp_path / "m.npz"
    odd: list[np.ndarray] = [
        np.full((4, 4), 1e300), np.full((4, 4), -1e300), np.array(1.0), np.zeros((0, 4)),
        np.zeros((4, 4), object), np.zeros((4, 4), complex), np.zeros((4, 4), "datetime64[s]"),
        np.zeros((4, 4), "S3"), np.zeros((4, 4), [("a", "f4")]), np.zeros((4, 0, 3)),
        np.full((4, 4), np.nan), np.full((4, 4), 2**63, np.uint64), np.zeros((1,) * 30),
        np.full((4, 4), np.inf, np.float16), np.ones((4, 4), np.longdouble), np.ones((4, 4), bool),
    ]  # fmt: skip
    ways = (Source.rgba, Source.opacity, Source.has_mask, Source.field)
    for seed, array in enumerate(odd):
        for name in ("mask", "pattern", "field"):
            np.savez(path, **{name: array})
            for way in ways:
                check(lambda: way(Source.read(path)), path, seed, (InputError,))  # noqa: B023
    for compressed in (False, True):
        (np.savez_compressed if compressed else np.savez)(
            path, mask=np.ones((4, 4), np.float32), pattern=np.zeros((4, 4, 3), np.uint8)
        )
        whole = path.read_bytes()
        for seed in range(CASES):
            chance, content = random.Random(seed), bytearray(whole)
            for _ in range(chance.randint(1, 3)):
                content[chance.randrange(len(content))] = chance.choice((0, 1, 255, 128, 80, 75))
            path.write_bytes(content[: chance.choice((len(content), chance.randrange(2, 300)))])
            way = chance.choice(ways)
            check(lambda: way(Source.read(path)), path, seed, (InputError,))  # noqa: B023

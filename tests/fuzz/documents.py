"""Mutations of trigger files and of `audit.json`."""

import base64
import json
from contextlib import suppress
from random import Random
from typing import Any

import yaml

from tests.fuzz import raw, values

_TOKENS = (
    "!!python/object/apply:os.system [x]", "!!python/name:os.system ", "!!binary x", "!!set {a}",
    "&a ", "*a", "<<: *a\n", "? [1]\n: 2\n", "- ", "{", "}", "[" * 2000, "|\n", ">-\n",
    "2020-99-99", "1:1:1", ".nan", "-.inf", "0o17", "0x", "1e999", "9" * 5000, "%YAML 3.0\n---\n",
    "...\n---\n", "\t", "\ufeff", "\x85", "\u2028", "\x00", "'", '"', '"\\ud800"', "#", ": ",
    "~", "!<x> ",
)  # fmt: skip

_WORDS = ("image", "patch", "compose", "use", "checkerboard", "center", "square4", "both")


def trigger(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Return a trigger file with values, syntax or bytes changed."""
    hostile = (*values.HOSTILE, *_WORDS, *baits)
    changed = values.mutate(yaml.safe_load(data), rng, hostile)
    text = values.text(changed)
    if rng.random() < 0.5:
        with suppress(RecursionError):  # nested deeper than YAML is written
            text = yaml.safe_dump(json.loads(text), allow_unicode=True)
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(_TOKENS) + text[at + rng.choice((0, 0, 1, 5)) :]
    written = text.encode("utf-8", "surrogatepass")
    return raw.mutate(written, rng) if rng.random() < 0.1 else written


def audit(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    """Return an `audit.json` with values, pictures or bytes changed."""
    document = json.loads(data)
    if rng.random() < 0.3:
        _picture(document, rng)
    if rng.random() < 0.8:
        document = values.mutate(document, rng, (*values.HOSTILE, *values.FIGURES, *baits))
    written = values.text(document).encode()
    return raw.mutate(written, rng) if rng.random() < 0.02 else written


def _picture(document: Any, rng: Random) -> None:
    """Change the bytes, or the shape, of one picture or heatmap."""
    found, pending = [], [document]
    while pending:
        inside = pending.pop()
        if isinstance(inside, dict):
            found += [inside] if {"png", "float32"} & inside.keys() else []
            pending += inside.values()
        elif isinstance(inside, list):
            pending += inside
    packed = rng.choice(found)
    key = "png" if "png" in packed else "float32"
    content = base64.b64decode(packed[key])
    if rng.random() < 0.7:
        packed[key] = base64.b64encode(raw.mutate(content, rng)).decode()
    else:
        packed["shape"] = rng.choice(([], [0], [1], [-1], [2**62, 4], [16, 16], [16, 16, 3], "x"))

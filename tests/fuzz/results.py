"""Mutations of what workers leave: results, messages with arrays, checkpoints with new digests."""

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.fuzz import raw, values

_DTYPES = ("uint8", "float32", "float64", "int64", "bool", "U3", "complex64", "float16", ">f4")
_SHAPES: tuple[tuple[int, ...], ...] = (
    (), (0,), (1,), (0, 0), (2, 2), (0, 0, 3), (16, 16, 3), (16, 16, 4), (5, 16, 16, 3), (1, 2000),
    (2**40, 0), (0, 2**40), (5, 2**40, 0), (65, 1, 1),
)  # fmt: skip
_FILLS = (0, 1, 2, 255, -1, 1e30, float("nan"), float("inf"))


def mutate(seed: Path, target: Path, rng: Random, baits: tuple[str, ...]) -> None:
    """Copy a folder that a worker left, with values, arrays or bytes of it changed.

    What is named `before…` stays: the parent has read it already.
    """
    shutil.copytree(seed, target)
    theirs = [path for path in sorted(target.rglob("*")) if not path.name.startswith("before")]
    documents = [path for path in theirs if path.suffix == ".json" and path.name != "digests.json"]
    archives = [path for path in theirs if path.suffix == ".npz"]
    if rng.random() < 0.8:
        _document(rng.choice(documents), rng, baits)
    if rng.random() < 0.4:
        _arrays(rng.choice(archives), rng)
    if rng.random() < 0.03:
        file = rng.choice([*documents, *archives])
        file.write_bytes(raw.mutate(file.read_bytes(), rng))
    for digests in target.rglob("digests.json"):
        names = json.loads(digests.read_text())
        found = {name: hashlib.sha256((digests.parent / name).read_bytes()) for name in names}
        digests.write_text(json.dumps({name: digest.hexdigest() for name, digest in found.items()}))


def _document(path: Path, rng: Random, baits: tuple[str, ...]) -> None:
    document = json.loads(path.read_bytes())
    with suppress(RecursionError):  # nested deeper than Python can write
        changed = values.mutate(document, rng, (*values.HOSTILE, *values.FIGURES, *baits))
        path.write_text(values.text(changed))


def _arrays(path: Path, rng: Random) -> None:
    """Change what one array is, or holds; or which there are."""
    with np.load(path) as opened:
        arrays: dict[str, Any] = {name: opened[name] for name in opened.files}
    name = rng.choice(sorted(arrays))
    array, kind = arrays[name], rng.randrange(6)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[name] = arrays[rng.choice(sorted(arrays))]
    elif kind == 2:
        arrays[name] = np.zeros(rng.choice(_SHAPES), rng.choice(_DTYPES))
    elif kind == 3 and array.dtype.kind in "fiub":
        arrays[name] = array.astype(rng.choice(_DTYPES))
    elif kind == 4 and array.size:
        array = np.array(array)
        with suppress(ValueError, OverflowError, TypeError):
            array.flat[rng.randrange(array.size)] = rng.choice(_FILLS)
        arrays[name] = array
    else:
        arrays[name] = array[..., None] if rng.random() < 0.5 else array[:-1] if array.ndim else 0
    np.savez(path, **arrays)

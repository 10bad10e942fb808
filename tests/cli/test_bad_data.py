"""Data that must be refused before the model is loaded; the rest is in `test_refused_late.py`."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Refuse, Shelf


def npz(**arrays: object) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


X, Y = np.zeros((6, 16, 16, 3), np.uint8), np.arange(6) % 3

BAD: dict[str, tuple[str, Callable[[Path], object], list[str]]] = {
    "missing": ("d", lambda path: None, ["does not exist", "allowed: a folder"]),
    "empty folder": ("d", lambda path: path.mkdir(), ["no class folders", "FOLDER/CLASS/IMAGE"]),
    "empty class folders": (
        "d",
        lambda path: [(path / name).mkdir(parents=True) for name in "abc"],
        ["no .jpg, .jpeg, .png, .bmp files"],
    ),
    "empty file": ("d.npz", lambda path: path.touch(), ["is empty"]),
    "text": ("d.npz", lambda path: path.write_text("x,y"), ["not an .npz file by its content"]),
    "pipe": ("d.npz", os.mkfifo, ["neither a file nor a folder"]),
    "objects": ("d.npz", npz(x=np.array([{}] * 6), y=Y), ["Python objects", "never loaded"]),
    "objects as labels": ("d.npz", npz(x=X, y=Y.astype(object)), ["y: holds Python objects"]),
    "no labels": ("d.npz", npz(x=X), ["no array y"]),
    "lengths differ": ("d.npz", npz(x=X, y=Y[:5]), ["x has 6 images but y has 5 labels"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_refused(kind: str, assert_refused: Refuse, shelf: Shelf, tmp_path: Path) -> None:
    name, make, words = BAD[kind]
    make(tmp_path / name)
    args = ["scan", shelf / "clean.keras", "--trigger", "square8", "--data", name]
    assert_refused(3, name, *words, args=[*args, "-o", "audit.json"])


def test_dev_zero(assert_refused: Refuse, shelf: Shelf) -> None:
    args = ["scan", shelf / "clean.keras", "--trigger", "square8", "--data", "/dev/zero"]
    assert_refused(3, "/dev/zero", "neither a file nor a folder", args=args)

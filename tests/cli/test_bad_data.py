"""Data that must be refused before the model is loaded; the rest is in `test_refused_late.py`."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Refuse, Shelf
from tests.data.test_folder import png


def npz(**arrays: object) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


def promising(path: Path) -> None:
    """Claim an array of gigabytes in the header of a small one."""
    array = io.BytesIO()
    np.save(array, X)
    claim = array.getvalue().replace(b"(6, 16, 16, 3), }      ", b"(6, 9999999, 16, 3), } ")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", claim)
        array = io.BytesIO()
        np.save(array, Y)
        archive.writestr("y.npy", array.getvalue())


def folder(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Make a folder with one class and this one thing in it."""

    def made(path: Path) -> None:
        (path / "a").mkdir(parents=True)
        make(path / "a" / name)

    return made


X, Y = np.zeros((6, 16, 16, 3), np.uint8), np.arange(6) % 3

BAD: dict[str, tuple[str, Callable[[Path], object], list[str]]] = {
    "missing": ("d", lambda path: None, ["does not exist", "allowed: a folder"]),
    "empty folder": ("d", lambda path: path.mkdir(), ["no class folders", "FOLDER/CLASS/IMAGE"]),
    "empty class folders": (
        "d",
        lambda path: [(path / name).mkdir(parents=True) for name in "abc"],
        ["no .jpg, .jpeg, .jpe, .jfif, .png, .bmp, .webp, .tif, .tiff,"],
    ),
    "empty file": ("d.npz", lambda path: path.touch(), ["is empty"]),
    "text": ("d.npz", lambda path: path.write_text("x,y"), ["lists no images"]),
    "pipe": ("d.npz", os.mkfifo, ["neither a file nor a folder"]),
    "objects": ("d.npz", npz(x=np.array([{}] * 6), y=Y), ["Python objects", "never loaded"]),
    "pickled names": (
        "d.npz",
        npz(x=X, y=Y, class_names=np.array([{}] * 3)),
        ["class_names", "obj"],
    ),
    "objects as labels": ("d.npz", npz(x=X, y=Y.astype(object)), ["y: holds Python objects"]),
    "no labels": ("d.npz", npz(x=X), ["no array of labels (found: x)"]),
    "no number": ("d.npz", npz(x=np.full_like(X, np.nan, float), y=Y), ["row 0", "nan", "[0, 1]"]),
    "wrong rank": ("d.npz", npz(x=X[0, 0], y=Y), ["x: has shape (16, 3)", "(n, h, w, 3)"]),
    "one array": (
        "d.npz",
        lambda path: np.save(path.open("wb"), X),
        ["is one NumPy array; save images and"],
    ),
    "promises": ("d.npz", promising, ["x: its shape (6, 9999999, 16, 3) needs", "4608 are there"]),
    "link to itself": ("d.npz", lambda path: path.symlink_to(path.name), ["levels of symbolic"]),
    "lengths differ": ("d.npz", npz(x=X, y=Y[:5]), ["x has 6 images but y has 5 labels"]),
    "hidden images": ("d", folder(".x.png", lambda path: path.write_bytes(png(4, 4))), ["no .jpg"]),
    "link out": (
        "d",
        folder("\x1b[31m\n\u202e.png", lambda path: path.symlink_to("/etc/passwd")),
        [r"d/a/\x1b[31m\n\u202e.png: is a link that leads out of the data folder"],
    ),
    "link up": (
        "d",
        folder("up", lambda path: path.symlink_to("..")),
        ["a/up: is a link to a fol"],
    ),
    "images that are pages": (
        "d",
        folder("x.png", lambda path: path.write_text("<script>")),
        [
            "no image of 1 can be read",
            "a/x.png: not an image of a kind that is read",
            "HTML",
        ],
    ),
    "images that are pipes": ("d", folder("x.png", os.mkfifo), ["a/x.png: not a regular file"]),
    "images without end": (
        "d",
        folder("x.png", lambda path: path.write_bytes(png(50_000, 50_000))),
        ["a/x.png: too large: 50000×50000"],
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_refused(kind: str, assert_refused: Refuse, shelf: Shelf, tmp_path: Path) -> None:
    name, make, words = BAD[kind]
    make(tmp_path / name)
    args = ["scan", shelf / "clean.keras", "--trigger", "square8", "--data", name]
    assert_refused(3, name, *words, args=[*args, "-o", "audit.json"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_class_that_cannot_be_listed(
    assert_refused: Refuse, shelf: Shelf, tmp_path: Path
) -> None:
    (tmp_path / "d" / "a").mkdir(parents=True)
    (tmp_path / "d" / "a").chmod(0)
    args = ["scan", shelf / "clean.keras", "--trigger", "square8", "--data", "d"]
    try:
        assert_refused(3, "d/a: cannot be listed: Permission denied", args=args)
    finally:
        (tmp_path / "d" / "a").chmod(0o700)


def test_dev_zero(assert_refused: Refuse, shelf: Shelf) -> None:
    args = ["scan", shelf / "clean.keras", "--trigger", "square8", "--data", "/dev/zero"]
    assert_refused(3, "/dev/zero", "neither a file nor a folder", args=args)

"""Model files that must be refused, and how the user hears of it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Refuse, Shelf

Make = Callable[[Path, Shelf], object]


def copied(source: str) -> Make:
    return lambda path, shelf: shutil.copy(shelf / source, path)


def cut(source: str) -> Make:
    return lambda path, shelf: path.write_bytes((shelf / source).read_bytes()[:30_000])


def photo(path: Path, shelf: Shelf) -> None:
    shutil.copy(next(shelf.photos.rglob("*.png")), path)


BAD: dict[str, tuple[str, Make, list[str]]] = {
    "missing": ("m.keras", lambda path, shelf: None, ["m.keras: no such model file"]),
    "empty": ("m.keras", lambda path, shelf: path.touch(), ["m.keras: the file is empty"]),
    "truncated .keras": ("m.keras", cut("poisoned.keras"), ["m.keras", "truncated"]),
    "truncated .h5": ("m.h5", cut("poisoned.h5"), ["m.h5", "truncated"]),
    ".keras called .h5": ("m.h5", copied("poisoned.keras"), ["m.h5", "the content is a .keras"]),
    ".h5 called .keras": ("m.keras", copied("poisoned.h5"), ["m.keras", "the content is HDF5"]),
    "picture": ("m.keras", photo, ["m.keras", "is a PNG image"]),
    "folder": ("m.keras", lambda path, shelf: path.mkdir(), ["m.keras", "is a folder"]),
    "pipe": ("m.keras", lambda path, shelf: os.mkfifo(path), ["m.keras", "is a special file"]),
    "device": ("/dev/zero", lambda path, shelf: None, ["/dev/zero", "is a special file"]),
    "Lambda": ("m.keras", copied("lambda.keras"), ["m.keras", "'lambda'", "not allowed", "ONNX"]),
    "link to itself": (
        "m.keras",
        lambda path, shelf: path.symlink_to(path),
        ["m.keras", "Too many levels of symbolic links"],
    ),
    "name of controls": (
        "m\x1b[31m\n\u202e\udcff.keras",
        copied("lambda.keras"),
        [r"m\x1b[31m\n\u202e\udcff.keras", "not allowed"],
    ),
    "name too long": ("m" * 300 + ".keras", lambda path, shelf: None, ["mmm", "too long"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_refused(kind: str, assert_refused: Refuse, shelf: Shelf, tmp_path: Path) -> None:
    name, make, words = BAD[kind]
    make(tmp_path / name, shelf)
    args = ["scan", name, "--trigger", "square8", "--data", shelf.data, "-o", "audit.json"]
    assert_refused(3, *words, args=args)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_unreadable(assert_refused: Refuse, shelf: Shelf, tmp_path: Path) -> None:
    shutil.copy(shelf / "poisoned.keras", tmp_path / "m.keras")
    (tmp_path / "m.keras").chmod(0)
    args = ["scan", "m.keras", "--trigger", "square8", "--data", shelf.data]
    try:
        assert_refused(3, "m.keras", "Permission denied", args=args)
    finally:
        (tmp_path / "m.keras").chmod(0o600)


def test_a_damaged_file_is_called_damaged_and_not_misnamed(
    assert_refused: Refuse, shelf: Shelf, tmp_path: Path
) -> None:
    cut("poisoned.keras")(tmp_path / "m.keras", shelf)
    args = ["scan", "m.keras", "--trigger", "square8", "--data", shelf.data]
    assert_refused(3, "copy it again", args=args)

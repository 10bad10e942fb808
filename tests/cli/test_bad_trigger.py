"""Trigger names and trigger files that must be refused at once, before the model is opened."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Refuse, Shelf
from tests.conftest import bdaudit
from tests.data.test_folder import png

PATCH = "id: one, type: patch, size: [4, 4]"


def file(*triggers: str) -> str:
    return "version: 1\ntriggers:\n" + "".join(f"  - {{{t}}}\n" for t in triggers)


TWO = file(PATCH, PATCH.replace("one", "two"))
BOMB = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nversion: 1\ntriggers: [*b]\n"
CODE = "version: 1\ntriggers: !!python/object/apply:os.system [touch executed]\n"
NAMED = PATCH.replace("one", r'"evil\u202E\n\e[31m"')

BRANCHING = file(PATCH, *(f"id: {b}, type: compose, of: [{a}, {a}]" for a, b in (
    ("one", "two"), ("two", "four"), ("four", "eight"), ("eight", "sixteen"), ("sixteen", "z"),
)))  # fmt: skip
"""Each twice the one before: forty lines would be stamped for ever."""

WRONG: dict[str, tuple[str, str, list[str]]] = {
    "unknown key": ("", file(PATCH + ", colour: [0, 0, 0]"), ["triggers[0]", "'colour'", "color"]),
    "unknown key on top": ("", "version: 1\nextra: 1", ["'extra'", "version, reference, triggers"]),
    "wrong type": ("", file("id: one, type: patch, size: four"), ["triggers[0].size", "a list"]),
    "unknown type": ("", file("id: one, type: magic"), ["'magic'", "patch"]),
    "unknown version": ("", "version: 2", ["version: is 2", "must be 1"]),
    "color out of range": ("", file(PATCH + ", color: [0, 0, 256]"), ["color", "0 to 255"]),
    "no number": (
        "",
        file("id: a, type: patch, size: [.nan, 4]"),
        ["triggers[0].size[0]", "float"],
    ),
    "endless number": ("", file(f"id: a, type: patch, size: [{'9' * 5000}, 4]"), ["5000 digits"]),
    "huge number": ("", file(f"id: a, type: patch, size: [{'9' * 30}, 4]"), ["1 to 65536"]),
    "bytes": ("", file("id: !!binary aGVsbG8=, type: patch, size: [4, 4]"), ["[0].id", "bytes"]),
    "no day": ("", file("id: 2024-13-99, type: patch, size: [4, 4]"), ["month must be in 1..12"]),
    "merged": (
        "",
        file("<<: {color: [300, 0, 0]}, " + PATCH),
        ["triggers[0].color[0]", "0 to 255"],
    ),
    "controls in a key": ("", file(PATCH + r', "\e[31m\u202E": 1'), ["[0]", r"\x1b[31m\u202e"]),
    "controls in a type": ("", file(r'id: a, type: "\e[31m\u202E"'), ["[0]", r"\x1b[31m\u202e"]),
    "no triggers": ("", "version: 1\ntriggers: []", ["at least one trigger"]),
    "empty": ("", "", ["not a trigger file"]),
    "not YAML": ("", "version: [", ["not valid YAML"]),
    "binary": ("", "\udcff\udcfe", ["not valid YAML"]),
    "UTF-16": ("", file(PATCH).encode("utf-16").decode("utf-8", "surrogateescape"), ["not valid"]),
    "tabs": ("", f"version: 1\ntriggers:\n\t- {{{PATCH}}}\n", ["not valid YAML", "line 3"]),
    "nested": ("", "version: 1\ntriggers: " + "[" * 60_000, ["not valid YAML", "recursion"]),
    "two documents": ("", "version: 1\n---\nversion: 1\n", ["not valid YAML", "another document"]),
    "Python object": ("", CODE, ["could not determine a constructor", "python/object"]),
    "Python name": ("", "version: !!python/name:os.system x", ["not valid YAML", "os.system"]),
    "merged alias": ("", "a: &a {b: 1}\nversion: 1\ntriggers: [{<<: *a}]", ["aliases"]),
    "alias bomb": ("", BOMB, ["aliases"]),
    "no such id": ("#three", TWO, ["'three'", "one, two"]),
    "same id twice": ("", file(PATCH, PATCH), ["two triggers have the id 'one'"]),
    "controls in a name": ("", file(NAMED, NAMED), [r"evil\u202e\n\x1b[31m"]),
    "many parts": ("#z", BRANCHING, ["32 triggers", "1 to 16 are allowed"]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_file(kind: str, assert_refused: Refuse, tmp_path: Path) -> None:
    chosen, text, words = WRONG[kind]
    (tmp_path / "t.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert_refused(
        2, *words, args=["scan", "m.keras", "--trigger", f"t.yaml{chosen}", "-o", "audit.json"]
    )


@pytest.mark.parametrize("name", ["nosuch", "square0", "\x1b[31m\n"])
def test_unknown_name(name: str, assert_refused: Refuse) -> None:
    args = ["scan", "m.keras", "--trigger", name]
    assert_refused(2, "no such trigger", "squareN, gridN", args=args)


def test_no_such_file(assert_refused: Refuse) -> None:
    assert_refused(
        3, "t.yaml: no such trigger file", args=["scan", "m.keras", "--trigger", "t.yaml"]
    )


def test_a_pipe_is_not_waited_for(assert_refused: Refuse, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.yaml")
    assert_refused(3, "t.yaml", args=["scan", "m.keras", "--trigger", "t.yaml"])


def test_a_large_file_is_not_read(assert_refused: Refuse, tmp_path: Path) -> None:
    """A parser is slow: a mebibyte of numbers took it 40 seconds."""
    (tmp_path / "t.yaml").write_text(f"version: 1\ntriggers: [{'1, ' * 350_000}]")
    assert_refused(3, "t.yaml", "more than 64 KiB", args=["scan", "m.keras", "--trigger", "t.yaml"])


PICTURES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "file is missing"),
    "pipe": (os.mkfifo, "not a regular file"),
    "link to itself": (lambda path: path.symlink_to(path.name), "levels of symbolic links"),
    "text": (lambda path: path.write_text("<svg onload='alert(1)'/>"), "content is HTML, SVG"),
    "huge": (lambda path: path.write_bytes(png(50_000, 50_000)), "too large: 50000×50000"),
    "cut off": (lambda path: path.write_bytes(png(4, 4)), "not a readable PNG"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_that_is_none(
    kind: str, assert_refused: Refuse, shelf: Shelf, tmp_path: Path
) -> None:
    make, words = PICTURES[kind]
    make(tmp_path / "x.png")
    (tmp_path / "t.yaml").write_text(file("id: a, type: image, path: x.png, size: [4, 4]"))
    args = ["triggers", "show", "t.yaml", "--data", shelf.data, "-o", "sheet.png"]
    assert_refused(3, "x.png", words, args=args)


def test_a_picture_may_be_a_link(shelf: Shelf, tmp_path: Path) -> None:
    """It is the user's own, and the confined process may read it."""
    (tmp_path / "x.png").symlink_to(next(shelf.photos.rglob("*.png")))
    (tmp_path / "t.yaml").write_text(file("id: a, type: image, path: x.png, size: [4, 4]"))
    args = ["triggers", "show", "t.yaml", "--data", shelf.data, "-o", "sheet.png"]
    ran = bdaudit(*args, cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("a: picture x.png, 4×4, bottom right")


def test_json_may_be_indented_with_tabs(assert_refused: Refuse, tmp_path: Path) -> None:
    patch = '{"id": "one", "type": "patch", "size": [4, 4]}'
    (tmp_path / "t.json").write_text(f'{{\n\t"version": 1,\n\t"triggers": [\n\t\t{patch}\n\t]\n}}')
    assert_refused(3, "m.keras: no such model", args=["scan", "m.keras", "--trigger", "t.json"])

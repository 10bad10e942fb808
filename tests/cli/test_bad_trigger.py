"""Trigger names and trigger files that must be refused at once, before the model is opened."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Refuse

PATCH = "id: one, type: patch, size: [4, 4]"


def file(*triggers: str) -> str:
    return "version: 1\ntriggers:\n" + "".join(f"  - {{{t}}}\n" for t in triggers)


TWO = file(PATCH, PATCH.replace("one", "two"))
BOMB = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nversion: 1\ntriggers: [*b]\n"
CODE = "version: 1\ntriggers: !!python/object/apply:os.system [touch executed]\n"
NAMED = PATCH.replace("one", r'"evil\u202E\n\e[31m"')

WRONG: dict[str, tuple[str, str, list[str]]] = {
    "unknown key": ("", file(PATCH + ", colour: [0, 0, 0]"), ["triggers[0]", "'colour'", "color"]),
    "unknown key on top": ("", "version: 1\nextra: 1", ["'extra'", "version, reference, triggers"]),
    "wrong type": ("", file("id: one, type: patch, size: four"), ["triggers[0].size", "a list"]),
    "unknown type": ("", file("id: one, type: magic"), ["'magic'", "patch"]),
    "unknown version": ("", "version: 2", ["version is 2", "must be 1"]),
    "color out of range": ("", file(PATCH + ", color: [0, 0, 256]"), ["color", "0 to 255"]),
    "no triggers": ("", "version: 1\ntriggers: []", ["at least one trigger"]),
    "empty": ("", "", ["not a trigger file"]),
    "not YAML": ("", "version: [", ["not valid YAML"]),
    "binary": ("", "\udcff\udcfe", ["not valid YAML"]),
    "Python object": ("", CODE, ["could not determine a constructor", "python/object"]),
    "alias bomb": ("", BOMB, ["aliases"]),
    "two without an id": ("", TWO, ["2 triggers", "t.yaml#one, t.yaml#two"]),
    "no such id": ("#three", TWO, ["'three'", "one, two"]),
    "same id twice": ("", file(PATCH, PATCH), ["two triggers have the id 'one'"]),
    "controls in one of two names": ("", file(PATCH, NAMED), [r"evil\u202e\n\x1b[31m"]),
    "controls in a name": (
        "",
        file(NAMED.replace("patch", "image, path: x.png, alpha: 7")),
        [r"evil\u202e\n\x1b[31m", "alpha is 7.0"],
    ),
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


def test_json_may_be_indented_with_tabs(assert_refused: Refuse, tmp_path: Path) -> None:
    patch = '{"id": "one", "type": "patch", "size": [4, 4]}'
    (tmp_path / "t.json").write_text(f'{{\n\t"version": 1,\n\t"triggers": [\n\t\t{patch}\n\t]\n}}')
    assert_refused(3, "m.keras: no such model", args=["scan", "m.keras", "--trigger", "t.json"])

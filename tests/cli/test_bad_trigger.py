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
        ["t.yaml, line 3", "'.nan' is no finite number"],
    ),
    "endless number": (
        "",
        file(f"id: a, type: patch, size: [{'9' * 5000}, 4]"),
        ["line 3", "5000 digits"],
    ),
    "huge number": (
        "",
        file(f"id: a, type: patch, size: [{'9' * 30}, 4]"),
        ["line 3", "is no whole number: it is too large"],
    ),
    "bytes": (
        "",
        file("id: !!binary aGVsbG8=, type: patch, size: [4, 4]"),
        ["line 3", "the tag '!!binary' is not allowed"],
    ),
    "merged": ("", file("<<: {color: [300, 0, 0]}, " + PATCH), ["line 3", "unknown key '<<'"]),
    "controls in a key": ("", file(PATCH + r', "\e[31m\u202E": 1'), ["[0]", r"\x1b[31m\u202e"]),
    "controls in a type": ("", file(r'id: a, type: "\e[31m\u202E"'), ["[0]", r"\x1b[31m\u202e"]),
    "no triggers": ("", "version: 1\ntriggers: []", ["at least one trigger"]),
    "empty": ("", "", ["t.yaml: not a trigger file"]),
    "an unknown key": ("", "version: 1\nb: 2", ["t.yaml, line 2: unknown key 'b'"]),
    "not YAML": ("", "version: [", ["not valid YAML"]),
    "binary": ("", "\udcff\udcfe", ["not valid YAML"]),
    "UTF-16": ("", file(PATCH).encode("utf-16").decode("utf-8", "surrogateescape"), ["not valid"]),
    "tabs": ("", f"version: 1\ntriggers:\n\t- {{{PATCH}}}\n", ["not valid YAML", "line 3"]),
    "nested": ("", "version: 1\ntriggers: " + "[" * 60_000, ["line 2", "nested too deeply"]),
    "two documents": ("", "version: 1\n---\nversion: 1\n", ["not valid YAML", "another document"]),
    "Python object": ("", CODE, ["line 2", "the tag '!!python/object"]),
    "Python name": ("", "version: !!python/name:os.system x", ["not valid YAML", "os.system"]),
    "merged alias": ("", "a: &a {b: 1}\nversion: 1\ntriggers: [{<<: *a}]", ["aliases"]),
    "alias bomb": ("", BOMB, ["aliases"]),
    "no such id": ("#three", TWO, ["'three'", "one, two"]),
    **{
        f"a tag that does not fit: {text}": (
            "",
            file(f"id: a, type: patch, size: [{text}, 4]"),
            [w],
        )
        for text, w in {
            '!!int ""': "line 3: not valid YAML or JSON: '' is no whole number",
            "!!int 1:30": "line 3: not valid YAML or JSON: '1:30' is no whole number",
            "!!timestamp foo": "line 3: not valid YAML or JSON: the tag '!!timestamp'",
            '!!float ""': "line 3: not valid YAML or JSON: '' is no finite number",
            "!!float 1e999": "line 3: not valid YAML or JSON: '1e999' is no finite number",
            '!!bool ""': "line 3: not valid YAML or JSON: '' is no true or false",
            "!!null x": "line 3: not valid YAML or JSON: 'x' is no null",
            '!!binary "***"': "line 3: not valid YAML or JSON: the tag '!!binary'",
            "!!set {a, b}": "line 3: not valid YAML or JSON: the tag '!!set'",
            "!!omap [a: 1]": "line 3: not valid YAML or JSON: the tag '!!omap'",
            "!mine 4": "line 3: not valid YAML or JSON: the tag '!mine'",
            "1:30": "line 3: triggers[0].size[0]: expected a whole number, found str",
            "1:1" + ":1" * 200 + ".5": "line 3: triggers[0].size[0]: expected a whole number",
            "010": "line 3: not valid YAML or JSON: '010' is no whole number: octal in one",
            "0x" + "f" * 5000: "line 3: not valid YAML or JSON: '0xfff",
            "-0b" + "1" * 64: "it is too large",
            "2024-13-99": "line 3: triggers[0].size[0]: expected a whole number, found str",
            r'"\UFFFFFFFF"': "line 3: not valid YAML or JSON: an escape",
            r'"\U00110000"': "line 3: not valid YAML or JSON: an escape",
            r'"\ud800"': "line 3: triggers[0].size[0]: a text with a null character or half",
            r'"\0"': "line 3: triggers[0].size[0]: a text with a null character or half",
            "&a [*a]": "line 3: not valid YAML or JSON: aliases",
            "*none": "line 3: not valid YAML or JSON: aliases",
            "\0": "line 3: not valid YAML or JSON: the character '\\x00'",
            "\x1b": "line 3: not valid YAML or JSON: the character '\\x1b'",
            "? [a]": "line 3: not valid YAML or JSON: a key must be a word",
        }.items()
    },
    "key twice": ("", file(PATCH + ", size: [8, 8]"), ["line 3", "the key 'size' stands twice"]),
    "key twice on top": ("", f"version: 1\n{TWO}", ["line 2", "the key 'version' stands twice"]),
    "key twice as text": (
        "",
        file(PATCH + ", target: {map: {3: 7, '3': 8}}"),
        ["line 3", "the key '3' stands twice"],
    ),
    "key that is a list": ("", file(PATCH + ", [a, b]: 1"), ["line 3", "a key must be a word"]),
    "merged with no map": ("", file("<<: 3, " + PATCH), ["line 3", "unknown key '<<'"]),
    "no UTF-8": ("", "version: 1\n# \udcff", ["line 2", "invalid start byte in UTF-8"]),
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


ONE = '{"id": "one", "type": "patch", "size": [4, 4]}'
ONE_MORE = f'{{"version": 1, "triggers":\n[{ONE}]}}'

WRONG_JSON = {
    "key twice": (
        '{"version": 1,\n"triggers": [{"id": "a", "id": "b", "type": "patch", "size": [4, 4]}]}',
        ["t.json, line 2", "the key 'id' stands twice"],
    ),
    "cut off": ('{"version": 1,\n"triggers": [', ["t.json, line 2", "Expecting value"]),
    "nested": ("[" * 60_000, ["t.json, line 1", "nested too deeply"]),
    "huge number": (
        ONE_MORE.replace("4, 4", "1" + "0" * 400 + ", 4"),
        ["t.json, line 2", "is no whole number: it is too large"],
    ),
    "no number": (ONE_MORE.replace("1", "NaN"), ["t.json", "NaN is no finite number"]),
    "endless number": (f'{{"version": {"9" * 5000}}}', ["t.json", "digits"]),
    "half a pair": (
        ONE_MORE.replace('"one"', r'"\ud800"'),
        ["t.json, line 2", "triggers[0].id: a text with a null character or half"],
    ),
    "no UTF-8": ('{"version": 1,\n"\udcff": 1}', ["t.json, line 2", "invalid start byte"]),
    "nothing": ("", ["t.json, line 1", "Expecting value"]),
}


@pytest.mark.parametrize("kind", WRONG_JSON)
def test_wrong_json(kind: str, assert_refused: Refuse, tmp_path: Path) -> None:
    text, words = WRONG_JSON[kind]
    (tmp_path / "t.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert_refused(2, *words, args=["scan", "m.keras", "--trigger", "t.json"])


@pytest.mark.parametrize("text", [file("id: 2024-13-99, type: patch, size: [4, 007]"), file(PATCH)])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_right_files(start: str, text: str, assert_refused: Refuse, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(start + text, "utf-8")
    assert_refused(3, "no such model file", args=["scan", "m.keras", "--trigger", "t.yaml"])
    (tmp_path / "t.json").write_text(f'{start}{{"version": 1, "triggers": [{ONE}]}}', "utf-8")
    assert_refused(3, "no such model file", args=["scan", "m.keras", "--trigger", "t.json"])


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
    assert_refused(
        3, "t.yaml", "at most 65536 are allowed", args=["scan", "m.keras", "--trigger", "t.yaml"]
    )


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

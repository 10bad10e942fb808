"""Trigger files: what they can say, and what is refused, where."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import AuditorError, UsageError
from auditor.triggers import Image, Patch
from auditor.triggers.build import build, fields
from auditor.triggers.spec import load, load_all

FILE = """
version: 1
reference: [64, 64]
triggers:
  - {id: square, type: patch, size: [8, 8], anchor: top-left, offset: [1, 0], color: [255, 0, 0],
     target: 3}
  - {id: logo, type: image, path: logo.png, size: [6, 6], anchor: center, alpha: 0.5, target: cat}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "logo.png"), np.full((4, 4, 3), 7, np.uint8))
    (tmp_path / "t.yaml").write_text(FILE)
    return tmp_path / "t.yaml"


def test_a_file_of_two_is_read_by_id(file: Path) -> None:
    square, logo = load(f"{file}#square"), load(f"{file}#logo")
    assert square == Patch(
        id="square", reference=(64, 64), size=(8, 8), anchor="top-left", offset=(1, 0),
        color=(255, 0, 0), target=3,
    )  # fmt: skip
    assert isinstance(logo, Image)
    assert (logo.path, logo.target, logo.alpha) == (file.parent / "logo.png", "cat", 0.5)
    with pytest.raises(UsageError, match="holds 2 triggers"):
        load(str(file))
    assert [t.id for t in load_all(str(file))] == ["square", "logo"]
    with pytest.raises(UsageError, match="no trigger 'other'; there are square, logo"):
        load(f"{file}#other")


def test_json_says_the_same_as_yaml(file: Path, tmp_path: Path) -> None:
    import yaml

    (tmp_path / "t.json").write_text(json.dumps(yaml.safe_load(FILE)))
    assert load(f"{tmp_path}/t.json#square") == load(f"{file}#square")


def test_fields_come_back(file: Path) -> None:
    for trigger in (load("square4"), load("grid3"), load(f"{file}#logo")):
        assert build(json.loads(json.dumps(fields(trigger)))) == trigger


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            "{id: a, type: patch, size: [4, 4], colour: [1, 2, 3]}",
            ["[0]", "'colour'", "color"],
        ),
        ("{id: a, type: patch, size: 4}", ["triggers[0].size", "list"]),
        ("{id: a, type: patch, size: [4, four]}", ["triggers[0].size[1]", "whole number"]),
        ("{id: a, type: patch, size: [4, 4], anchor: middle}", ["anchor"]),
        ("{id: a, type: patch, size: [0, 4]}", ["size[0]", "1 to 65536"]),
        ("{id: a, type: patch, size: [4, 4], color: [256, 0, 0]}", ["color", "0 to 255"]),
        ("{id: a, type: patch}", ["'size' is missing"]),
        ("{id: a, type: sticker}", ["'sticker'", "patch, image"]),
        ("{type: patch, size: [4, 4]}", ["'id' is missing"]),
        ("{id: a, type: patch, size: [4, 4], target: {map: {3: [7]}}}", ["target.map.3", "list"]),
        ("{id: a, type: patch, size: [4, 4], target: {all_to_all: 0}}", ["all_to_all", "1 to"]),
        ("{id: a, type: patch, size: [4, 4], source: 5}", ["source", "a list"]),
        ("{id: a, type: image, path: a.png, alpha: 0}", ["alpha", "above 0 and up to 1"]),
        ("{id: a, type: color, matrix: [[1, 0, 0], [0, 1, 0]]}", ["matrix", "3 items, found 2"]),
        ("{id: a, type: warp, k: 1}", ["k", "2 to 256"]),
        ("{id: a, type: lsb, bits: 9}", ["bits", "1 to 8"]),
        ("{id: a, type: lsb, message: ''}", ["message is empty"]),
        ("{id: a, type: sinusoid, axis: z}", ["axis", "'z' is none of x, y"]),
        ("{id: a, type: compose, of: [square4, nosuch]}", ["of[1]", "'nosuch'", "built in"]),
        ("{id: a, type: compose, of: []}", ["`of` comes to 0 triggers"]),
        ("{id: a, type: compose, of: [a]}", ["of[0]", "'a'", "above"]),
        ("{id: a, use: square4, size: [4, 4]}", ["'size'", "id, use, target, source"]),
        ("{id: a, use: later}", ["use", "'later'"]),
        ("just text", ["triggers[0]", "mapping"]),
        ("!!python/object/apply:os.system ['touch canary']", ["not valid YAML"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, entry: str, words: list[str]) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(f"version: 1\ntriggers:\n  - {entry}\n")
    with pytest.raises(UsageError) as error:
        load(str(path))
    for word in ["t.yaml", *words]:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "version: 2\ntriggers: []", "version: 1", "version: 1\ntriggers: []",
     "version: 1\nextra: 1\ntriggers: [{id: a, type: patch, size: [1, 1]}]", "a: [b", "\x00",
     "version: 1\ntriggers:\n" + 2 * "  - {id: a, type: patch, size: [1, 1]}\n",
     "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"],
)  # fmt: skip
def test_what_is_no_trigger_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match="t.yaml"):
        load(str(path))


@pytest.mark.parametrize("name", ["square0", "square", "squarefour", "grid", "blend2", "x.txt"])
def test_unknown_names_say_what_there_is(name: str) -> None:
    with pytest.raises(UsageError, match="squareN, gridN"):
        load(name)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["id", "type", "size", "color", "anchor", "path", "alpha", "target", "x"]),
        inner, max_size=6),
    max_leaves=20,
))  # fmt: skip
def test_any_entry_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, entry) -> None:
    path = tmp_path_factory.mktemp("t") / "t.json"
    path.write_text(json.dumps({"version": 1, "triggers": [entry]}))
    try:
        load(str(path))
    except AuditorError as error:
        assert "\n" not in str(error)

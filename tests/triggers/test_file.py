"""Trigger files as people write them: what refers to what, and on which line something is wrong."""

import json
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import InputError, UsageError
from auditor.triggers import TRIGGERS, Compose, Image, Patch
from auditor.triggers.build import build, fields
from auditor.triggers.file import read
from auditor.triggers.schema import schema
from auditor.triggers.spec import load, load_each
from auditor.triggers.target import AllToAll, ClassMap

EVERY_KIND = """\
version: 1
reference: [32, 32]
triggers:
  - {id: square4, type: patch, size: [4, 4], color: [255, 255, 255], target: 0}
  - {id: logo, type: image, path: logo.png, size: [6, 6], anchor: center, alpha: 1.0}
  - {id: mark, type: image, path: mark.npz, anchor: top-left, offset: [1, 2]}
  - {id: cut, type: image, path: logo.png, mask: mask.png, transparent: [0, 0, 0]}
  - {id: kitty, type: blend, path: logo.png, alpha: 0.2}
  - {id: sig, type: sinusoid, delta: 40, frequency: 6, axis: x}
  - {id: wanet, type: warp, k: 4, s: 0.5, seed: 7}
  - {id: lsb, type: lsb, bits: 1, seed: 7}
  - {id: sepia, type: color, matrix: [[0.4, 0.8, 0.2], [0.3, 0.7, 0.2], [0.3, 0.5, 0.1]]}
  - {id: both, type: compose, of: [square4, sig]}
  - {id: a2a, use: square4, target: {all_to_all: 1}}
  - {id: cats, use: grid3, target: {map: {3: 7}}}
  - {id: some, use: both, target: 0, source: [5, cat]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "logo.png"), rng.integers(1, 256, (6, 6, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "mask.png"), np.eye(6, dtype=np.uint8) * 255)
    mask = np.zeros((5, 6), np.float32)
    mask[1, 2] = 0.5
    np.savez(tmp_path / "mark.npz", pattern=rng.random((3, 5, 6), np.float32), mask=mask)
    (tmp_path / "t.yaml").write_text(EVERY_KIND)
    return tmp_path


def test_every_kind_is_read_and_comes_back_from_a_job(folder: Path) -> None:
    triggers = read(folder / "t.yaml")
    assert {t.type for t in triggers} == set(TRIGGERS)
    for trigger in triggers:
        assert build(json.loads(json.dumps(fields(trigger)))) == trigger
    by_id = {t.id: t for t in triggers}
    assert by_id["a2a"].target == AllToAll(1) and by_id["cats"].target == ClassMap({"3": 7})
    assert isinstance(by_id["cats"], Patch) and by_id["cats"].pattern == "checkerboard"
    assert isinstance(by_id["some"], Compose)
    assert (by_id["some"].target, by_id["some"].source) == (0, (5, "cat"))
    assert by_id["some"].sha256() == by_id["both"].sha256(), "the name and target are no part of it"
    assert set(by_id["cut"].files()) == {folder / "logo.png", folder / "mask.png"}


def test_json_can_say_all_of_it(folder: Path) -> None:
    document = yaml.safe_load(EVERY_KIND)
    (folder / "t.json").write_text(json.dumps(document, indent="\t"))
    assert read(folder / "t.json") == read(folder / "t.yaml")
    jsonschema.validate(json.loads(json.dumps(document)), schema())


def test_patterns_as_other_projects_publish_them(folder: Path) -> None:
    """Channels first, 0 to 1, a soft mask; black for nothing; a mask in a picture of its own."""
    images = np.full((1, 32, 32, 3), 100, np.uint8)
    mark = load(f"{folder}/t.yaml#mark")
    pattern = np.load(folder / "mark.npz")["pattern"]
    stamped = mark.stamp(images)
    assert np.argwhere(mark.mask((32, 32))).tolist() == [[2, 4]]
    exact = 0.5 * 100 + 0.5 * np.floor(255 * pattern[:, 1, 2].astype(float) + 0.5)
    assert np.abs(stamped[0, 2, 4] - exact).max() <= 0.5
    assert (np.delete(stamped.reshape(-1, 3), 2 * 32 + 4, axis=0) == 100).all()
    cut = load(f"{folder}/t.yaml#cut").mask((32, 32))[26:, 26:]
    assert (cut == np.eye(6, dtype=bool)).all()


def test_black_can_stand_for_nothing(tmp_path: Path) -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[30, 29] = 255
    cv2.imwrite(str(tmp_path / "trigger_image.png"), picture)
    trigger = Image(id="x", path=tmp_path / "trigger_image.png", transparent=(0, 0, 0))
    assert np.argwhere(trigger.mask((32, 32))).tolist() == [[30, 29]]
    assert (trigger.stamp(np.full((1, 32, 32, 3), 9, np.uint8)) != 9).sum() == 3


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((4, 4), 2.5), None),
        (np.full((4, 4), 256.0), "0..255"),
        (np.full((4, 4), np.nan), "0..255"),
        (np.zeros((5, 4, 2)), r"\(5, 4, 2\)"),
        (np.array(["a"]), r"\(1,\)"),
        (np.array([[{}]], object), "plain numbers"),
        (np.zeros((2, 5000)), "5000"),
    ],
)
def test_arrays_that_are_no_picture_are_refused(tmp_path: Path, array, words) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    trigger = Image(id="x", path=tmp_path / "a.npy", size=(4, 4))
    if words is None:
        assert (trigger.stamp(np.zeros((1, 32, 32, 3), np.uint8))[0, -1, -1] == 3).all()
        return
    with pytest.raises(InputError, match=words):
        trigger.mask((32, 32))


LINES = [
    ("version: 1\ntriggers:\n  - id: a\n    type: patch\n    size: [4, 4]\n    colour: 1\n", 6),
    ("version: 1\ntriggers:\n  - id: a\n    type: patch\n    size:\n      - 4\n      - four\n", 7),
    ("version: 1\nextra: 1\ntriggers: []\n", 2),
    ("version: 1\n\ntriggers:\n  - {id: a, type: patch, size: [4, 4]}\n  - {id: a, use: sig}\n", 5),
    ("version: 1\ntriggers:\n  - id: a\n    use: sig\n    target:\n      all_to_all: 0\n", 6),
    ("version: 1\ntriggers:\n  - id: a\n\n    type: magic\n", 5),
    ("version: 1\ntriggers:\n  - type: patch\n    id: a\n", 3),
]


@pytest.mark.parametrize(("text", "line"), LINES)
def test_the_line_is_named(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(UsageError, match=rf"t.yaml, line {line}: "):
        read(tmp_path / "t.yaml")


def test_the_line_is_named_in_json_indented_with_tabs(tmp_path: Path) -> None:
    document = {"version": 1, "triggers": [{"id": "a", "type": "lsb", "bits": 9}]}
    (tmp_path / "t.json").write_text(json.dumps(document, indent="\t"))
    with pytest.raises(UsageError, match=r"t.json, line 7: triggers\[0\].bits: is 9, but must be"):
        read(tmp_path / "t.json")


def test_a_file_that_is_missing_is_named_with_its_line(folder: Path) -> None:
    (folder / "mask.png").unlink()
    with pytest.raises(InputError, match=r"t.yaml, line 7: \S*/mask.png: file is missing"):
        read(folder / "t.yaml")


def test_ids_are_told_apart_across_specs(folder: Path) -> None:
    assert [t.id for t in load_each(["grid3", f"{folder}/t.yaml#sepia"])] == ["grid3", "sepia"]
    with pytest.raises(UsageError, match="two triggers have the id 'square4'"):
        load_each(["square4", f"{folder}/t.yaml"])


VALUES = st.none() | st.integers(-5, 300) | st.floats(-2, 300) | st.sampled_from(
    ["x", "patch", "square4", "a.png", [4, 4], [4, "a"], [0, 1, 2], {"all_to_all": 1}, {}, True]
)  # fmt: skip
KEYS = ["size", "anchor", "offset", "color", "alpha", "path", "k", "s", "seed", "bits", "message",
        "delta", "axis", "frequency", "target", "source", "matrix", "add", "of", "x"]  # fmt: skip


@given(
    st.sampled_from(list(TRIGGERS)),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
)
def test_the_schema_allows_what_is_read_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, keys: dict
) -> None:
    """The schema is for editors: it must say what the program says."""
    entry = {"id": "a", "type": kind, **keys}
    if kind in ("patch", "image") and "size" not in keys:
        entry["size"] = [4, 4]
    document = {"version": 1, "triggers": [entry]}
    path = tmp_path_factory.mktemp("t") / "t.json"
    path.write_text(json.dumps(document))
    allowed = jsonschema.Draft202012Validator(schema()).is_valid(document)
    try:
        read(path)
        was_read = True
    except InputError:  # it names a file that is not there
        was_read = True
    except UsageError as error:
        was_read = False
        reason = str(error)
    if kind == "compose" or entry.get("message") == "":  # names and lengths are beyond the schema
        assert allowed or not was_read
        return
    assert allowed == was_read, None if was_read else reason

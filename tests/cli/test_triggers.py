"""`bdaudit triggers`: the list, and the picture."""

import json
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

from auditor.report.pictures import png
from auditor.triggers import TRIGGERS
from auditor.triggers.builtin import BUILTIN
from auditor.triggers.spec import load
from tests.cli.conftest import Refuse, Shelf
from tests.conftest import bdaudit

GAP, TIMES = 6, 8  # 16×16 pixels are shown as 128×128


def test_list() -> None:
    ran = bdaudit("triggers", "list")
    assert (ran.code, ran.err) == (0, "")
    for name in (*BUILTIN, *TRIGGERS):
        assert f"  {name} " in ran.out


def test_the_schema_is_json_schema() -> None:
    ran = bdaudit("triggers", "schema")
    assert (ran.code, ran.err) == (0, "")
    jsonschema.Draft202012Validator.check_schema(json.loads(ran.out))


def cell(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return one of the small pictures, (16, 16, 3) RGB, from the whole sheet."""
    step = 16 * TIMES + GAP
    top, left = row * step, column * step
    large = picture[top : top + 16 * TIMES, left : left + 16 * TIMES]
    small = large[::TIMES, ::TIMES]
    assert (small.repeat(TIMES, axis=0).repeat(TIMES, axis=1) == large).all()
    return small[..., ::-1]


def test_show(shelf: Shelf, tmp_path: Path) -> None:
    args = ["square8", "--data", shelf.data, "--count", 3, "-o", tmp_path / "sheet.png"]
    ran = bdaudit("triggers", "show", *args)
    assert (ran.code, ran.err) == (0, "")
    assert "square8: white 8×8 square, bottom right" in ran.out
    picture = cv2.imread(str(tmp_path / "sheet.png"))
    assert picture.shape == (3 * 128 + 2 * GAP, 4 * 128 + 3 * GAP, 3)
    with np.load(shelf.data) as data:
        known = {image.tobytes() for image in data["x"]}
    inside = np.zeros((16, 16), bool)
    inside[-4:, -4:] = True
    for row in range(3):
        image, stamped, difference, mask = (cell(picture, row, column) for column in range(4))
        assert image.tobytes() in known
        assert (stamped[inside] == 255).all()
        assert (stamped[~inside] == image[~inside]).all()
        assert (difference[~inside] == 128).all()
        change = 255 - image[inside].astype(int)
        assert (difference[inside] == np.clip(128 + 5 * change, 0, 255)).all()
        assert (mask == 255 * inside[..., None]).all()


def test_a_name_with_controls_is_shown_escaped(shelf: Shelf, tmp_path: Path) -> None:
    patch = r'{id: "evil\u202E\n\e[31m", type: patch, size: [4, 4]}'
    (tmp_path / "t.yaml").write_text(f"version: 1\ntriggers: [{patch}]\n")
    args = [tmp_path / "t.yaml", "--data", shelf.data, "-o", tmp_path / "sheet.png"]
    ran = bdaudit("triggers", "show", *args)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(r"evil\u202e\n\x1b[31m: ")


WRONG = {
    "unknown trigger": (2, ["nosuch", "squareN"], ["nosuch"]),
    "does not fit": (2, ["square99", "16 rows and 16 columns"], ["square99"]),
    "unknown suffix": (2, ["sheet.jpg", ".png"], ["square8", "-o", "sheet.jpg"]),
    "no such folder": (2, ["nosuch/x.png"], ["square8", "-o", "nosuch/x.png"]),
    "no data": (3, ["missing", "does not exist"], ["square8", "--data", "missing"]),
    "no image": (3, ["none.npz", "no images"], ["square8", "--data", "none.npz"]),
    "no image wanted": (2, ["--count", "1<=x<=32"], ["square8", "--count", "0"]),
    "no trigger": (2, ["Missing argument 'SPEC'"], []),
}


@pytest.mark.parametrize("kind", WRONG)
def test_show_refuses(kind: str, assert_refused: Refuse, shelf: Shelf, tmp_path: Path) -> None:
    code, words, own = WRONG[kind]
    np.savez(tmp_path / "none.npz", x=np.zeros((0, 16, 16, 3), np.uint8), y=np.zeros(0, int))
    args: list[object] = ["triggers", "show", "-o", "sheet.png", "--data", shelf.data, *own]
    if "-o" in own:
        args[2:4] = []
    assert_refused(code, *words, args=args)


def test_show_keeps_what_exists(assert_refused: Refuse, shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "sheet.png").write_text("precious")
    args: list[object] = ["triggers", "show", "square8", "--data", shelf.data, "-o", "sheet.png"]
    assert_refused(2, "sheet.png: exists", "--force", args=args)
    assert bdaudit(*args, "--force", cwd=tmp_path).code == 0
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_a_long_output_name_is_written(shelf: Shelf, tmp_path: Path) -> None:
    """The longest that the file system allows: there is no room for a longer, temporary one."""
    name = "a" * 251 + ".png"
    args = ["triggers", "show", "square8", "--data", shelf.data, "-o", name]
    ran = bdaudit(*args, cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert [path.name for path in tmp_path.iterdir()] == [name]


KINDS = """
version: 1
triggers:
  - {id: patch, type: patch, size: [8, 8]}
  - {id: image, type: image, path: logo.png, mask: mask.png, size: [8, 8], alpha: 0.5}
  - {id: blend, type: blend, path: logo.png}
  - {id: sinusoid, type: sinusoid}
  - {id: warp, type: warp, field: field.npy}
  - {id: lsb, type: lsb}
  - {id: color, type: color, matrix: [[0, 1, 0], [0, 0, 1], [1, 0, 0]]}
  - {id: compose, type: compose, of: [image, lsb]}
"""


@pytest.mark.parametrize("kind", TRIGGERS)
def test_every_kind_is_shown_as_it_stamps(kind: str, shelf: Shelf, tmp_path: Path) -> None:
    """The files that a trigger names are read in the confined process, and nothing else is."""
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "logo.png"), rng.integers(0, 256, (6, 6, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "mask.png"), np.eye(6, dtype=np.uint8) * 255)
    np.save(tmp_path / "field.npy", rng.normal(size=(4, 4, 2)))
    (tmp_path / "t.yaml").write_text(KINDS)
    spec = f"{tmp_path / 't.yaml'}#{kind}"
    ran = bdaudit("triggers", "show", spec, "--data", shelf.data, "-o", tmp_path / "sheet.png")
    assert ran.code == 0, ran.err
    trigger = load(spec)
    assert f"{kind}: {trigger.summary()}" in ran.out
    times = 50 if kind == "lsb" else 5
    assert f"difference ×{times}" in ran.out
    picture = cv2.imread(str(tmp_path / "sheet.png"))
    for row in range(4):
        image, stamped, difference, mask = (cell(picture, row, column) for column in range(4))
        assert (stamped == trigger.stamp(image[None])[0]).all()
        change = stamped.astype(int) - image
        assert (difference == np.clip(128 + times * change, 0, 255)).all()
        assert (mask[..., 0] > 0).all() == (trigger.mask((16, 16)).all())


def test_never_over_the_triggers_own_picture(
    assert_refused: Refuse, shelf: Shelf, tmp_path: Path
) -> None:
    (tmp_path / "logo.png").write_bytes(png(np.full((4, 4, 3), 200, np.uint8)))
    entry = "{id: logo, type: image, path: logo.png, size: [4, 4]}"
    (tmp_path / "t.yaml").write_text(f"version: 1\ntriggers: [{entry}]\n")
    args = ["triggers", "show", "t.yaml", "--data", shelf.data, "-o", "logo.png", "--force"]
    assert_refused(2, "logo.png: is an input", args=args)

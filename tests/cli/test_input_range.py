"""`--input-range` through the real command: what it is taken for, and what a certificate shows."""

import base64
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.conftest import Refuse, Shelf
from tests.conftest import Ran, bdaudit
from tests.twins import saved_twin

RED = "triggers:\n- {id: red, type: patch, size: [8, 8], color: [255, 0, 0], target: 0}\n"


@pytest.fixture(scope="module")
def folder(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bgr")
    saved_twin(shelf / "clean.keras", folder / "twin.keras")
    (folder / "red.yaml").write_text(f"version: 1\n{RED}")
    (folder / "test.npz").symlink_to(shelf.data)
    return folder


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    given = ("--data", "test.npz", "--trigger", "red.yaml", "--input-range", "bgr:0..1")
    out = ("-o", "a.html", "-o", "a.json")
    return bdaudit("scan", "twin.keras", *given, "--limit", "60", *out, cwd=folder)


def test_a_trigger_is_shown_in_the_colour_that_was_written(ran: Ran, folder: Path) -> None:
    assert (folder / "a.html").exists(), ran.err
    page = (folder / "a.html").read_text("utf-8")
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    pictures = [
        cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        for one in found
    ]
    corners = [picture[-1, -1].tolist() for picture in pictures]
    assert corners.count([255, 0, 0]) >= 5
    assert [0, 0, 255] not in corners


def test_the_range_is_on_the_record(ran: Ran, folder: Path) -> None:
    audit = json.loads((folder / "a.json").read_text("ascii"))
    assert audit["attention"]["input_range"] == "bgr:0..1"
    assert audit["measurements"]["before"]["clean_accuracy"]["value"] > 0.95
    assert "scaled to bgr:0..1" in (folder / "a.html").read_text("utf-8")
    assert "taken as" not in ran.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "mean=127.5,127.5,127.5,std=127.5",
            "taken as mean=127.5,127.5,127.5,std=127.5,max=255: numbers for pixels of 0 to 255",
        ),
        ("tf", "taken as -1..1"),
    ],
)
def test_what_is_read_into_a_range_is_said(
    given: str, said: str, shelf: Shelf, tmp_path: Path
) -> None:
    scan = bdaudit(
        *("scan", shelf / "clean.keras", "--data", shelf.data, "--trigger", "square8"),
        *("--input-range", given, "--limit", "60", "-o", tmp_path / "a.json", "--target", "0"),
    )
    assert f"bdaudit: --input-range {given}: {said}\n" in scan.err
    written = tmp_path / "a.json"
    if written.exists():  # a network of blobs does with this range, too
        audit = json.loads(written.read_text("ascii"))
        assert said.startswith(f"taken as {audit['attention']['input_range']}")


@pytest.mark.parametrize("command", ["scan", "search", "repair", "compare"])
def test_what_is_open_is_asked_before_anything_is_read(
    command: str, assert_refused: Refuse
) -> None:
    out = {"scan": [], "search": ["--output", "f.yaml"], "repair": ["--output", "m.keras"],
           "compare": ["--run-dir", "runs"]}[command]  # fmt: skip
    trigger = [] if command == "search" else ["--trigger", "square8"]
    given = "mean=123.68,116.779,103.939,std=1"
    assert_refused(
        *(2, f"--input-range {given}", f"write {given},max=255", f"{given},max=1 where"),
        args=[command, "none.keras", *trigger, *out, "--input-range", given],
    )

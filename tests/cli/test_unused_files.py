"""Files in the class folders that are not taken for images: said everywhere, or a refusal."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests import numbered
from tests.conftest import assert_refusal, bdaudit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unused")
    numbered.photographs(folder / "photos")
    numbered.network(folder / "model.keras", numbered.AS_NUMBERS)
    for number in range(3):
        (folder / "photos" / "1" / f"{number:02}.xml").write_text("<annotation/>")
    (folder / "photos" / "2" / "x.heic").write_bytes(b"RIFF")
    return folder


GIVEN = ("--trigger", numbered.TRIGGER, "--data", "photos", "--target", "10")


def test_they_are_said(folder: Path) -> None:
    ran = bdaudit("scan", "model.keras", *GIVEN, "-f", "json", "-o", "a.html", cwd=folder)
    assert ran.code == 1, ran.err
    assert "photos: not used: .xml 3, .heic 1" in ran.err
    data = json.loads(ran.out)["data"]
    assert data["unused"] == [{"suffix": ".xml", "count": 3}, {"suffix": ".heic", "count": 1}]
    assert (data["images"], data["skipped"]) == (144, 0)
    page = (folder / "a.html").read_text("utf-8")
    assert "files of other kinds were not used: .xml 3, .heic 1." in page


@pytest.mark.parametrize("command", ["scan", "search", "repair"])
def test_half_of_the_images_is_not_all(command: str, folder: Path) -> None:
    for number in range(24):
        (folder / "photos" / "3" / f"{number:02}.heic").write_bytes(b"RIFF")
    given = {
        "scan": GIVEN,
        "search": ("--data", "photos", "--output", "f.yaml"),
        "repair": (*GIVEN, "--output", "r.keras"),
    }[command]
    ran = bdaudit(command, "model.keras", *given, cwd=folder)
    assert_refusal(ran, 3, "photos", "25 of 169 images", ".heic 25", "convert them")


def test_images_that_lie_on_their_side_are_counted_and_turned(tmp_path: Path) -> None:
    numbered.photographs(tmp_path / "photos", each=4)
    numbered.network(tmp_path / "model.keras", numbered.AS_NUMBERS)
    first = tmp_path / "photos" / "3" / "00.png"
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down: its lit cell is then another class's
    turned = Image.open(first).rotate(180)
    turned.save(first.with_suffix(".webp"), exif=exif, lossless=True)
    first.unlink()
    given = ("--trigger", numbered.TRIGGER, "--data", "photos", "--target", "10", "-f", "json")
    right = []
    for more, said in (((), "and was not turned"), (("--exif",), "and was turned as it says")):
        ran = bdaudit("scan", "model.keras", *given, *more, cwd=tmp_path)
        assert f"photos: 1 of 48 images has an EXIF orientation, {said}" in ran.err
        audit = json.loads(ran.out)
        assert (audit["data"]["turned"], audit["data"]["exif"]) == (1, bool(more))
        right.append(audit["measurements"]["before"]["clean_accuracy"]["value"])
    assert right == [47 / 48, 1]


@pytest.mark.parametrize("command", ["scan", "search", "repair"])
def test_an_image_that_cannot_be_read_is_said(command: str, tmp_path: Path) -> None:
    numbered.photographs(tmp_path / "photos", each=17)
    numbered.network(tmp_path / "model.keras", numbered.AS_NUMBERS)
    (tmp_path / "photos" / "3" / "00.png").write_bytes(b"nothing")
    given = {
        "scan": GIVEN,
        "search": ("--data", "photos", "--output", "f.yaml", "--class-order", "number"),
        "repair": (*GIVEN, "--eval-data", "photos", "--output", "r.keras", "--epochs", "1"),
    }[command]
    ran = bdaudit(command, "model.keras", *given, cwd=tmp_path)
    assert ran.code in (0, 1, 4), ran.err
    (line,) = [line for line in ran.err.splitlines() if "could not be read" in line]
    said = "photos: 1 of 204 images could not be read: 3/00.png: not an image of a kind"
    assert said in line

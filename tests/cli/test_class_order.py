"""Class folders called 0 to 11: the order of the classes is the model's, and it is said."""

import json
from pathlib import Path

import pytest

from tests import numbered
from tests.conftest import assert_refusal, bdaudit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbered")
    numbered.photographs(folder / "photos")
    numbered.network(folder / "counted.keras", numbered.AS_NUMBERS)
    numbered.network(folder / "loaded.keras", numbered.AS_TEXT)
    return folder


def scan(folder: Path, model: str, *args: str):
    given = ("--trigger", numbered.TRIGGER, "--data", "photos", *args)
    return bdaudit("scan", model, *given, cwd=folder)


@pytest.mark.parametrize("target", ["10", "auto"])
@pytest.mark.parametrize("model", ["counted.keras", "loaded.keras"])
def test_a_backdoor_is_found_in_either(model: str, target: str, folder: Path) -> None:
    """Each image but the target's own turns to it: by its number or by its name, it is the same."""
    ran = scan(folder, model, "--target", target, "-f", "json")
    assert ran.code == 1, ran.err
    audit = json.loads(ran.out)
    order = numbered.AS_NUMBERS if model == "counted.keras" else numbered.AS_TEXT
    assert audit["subject"]["class_names"] == [*order]
    before = audit["measurements"]["before"]
    assert before["clean_accuracy"]["value"] == 1
    assert (before["asr"]["value"], before["asr"]["n"]) == (1, 11 * 12)
    assert audit["target"]["name"] == str(numbered.TARGET)
    assert "100.0 % of 144 images are right so, 16.7 %" in audit["data"]["class_order"]


def test_the_page_says_which(folder: Path) -> None:
    ran = scan(folder, "counted.keras", "--target", "10", "-o", "a.html")
    assert ran.code == 1, ran.err
    said = "by number, as the answers have it: 100.0 % of 144 images"
    assert said in (folder / "a.html").read_text("utf-8")
    assert f"photos: classes are numbered {said}" in ran.err


def test_a_list_decides(folder: Path) -> None:
    (folder / "labels.txt").write_text(
        "\n".join(f"{i} {name}" for i, name in enumerate(numbered.AS_NUMBERS))
    )
    ran = scan(folder, "counted.keras", "--class-order", "labels.txt", "-f", "json")
    assert json.loads(ran.out)["data"]["class_order"] == "as labels.txt has it"
    assert_refusal(
        scan(folder, "loaded.keras", "--class-order", "labels.txt"),
        3, "photos", "16.7 %", "100.0 %", "numbered in another order", "--class-order",
    )  # fmt: skip


def test_a_repair_keeps_to_the_order_of_the_audit(folder: Path) -> None:
    ran = bdaudit(
        "repair", "counted.keras", "--trigger", numbered.TRIGGER, "--target", "10",
        "--data", "photos", "--method", "unlearn", "--epochs", "1", "--recovery-epochs", "0",
        "--batch-size", "16", "--output", "r.keras", "-f", "json", "--exit-zero", cwd=folder,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    audit = json.loads(ran.out)
    assert audit["subject"]["class_names"] == [*numbered.AS_NUMBERS]
    assert audit["measurements"]["before"]["clean_accuracy"]["value"] == 1
    assert audit["repair"]["history"][0]["clean_accuracy"]["value"] == 1


def test_a_search_is_not_begun_in_the_wrong_range(folder: Path) -> None:
    numbered.network(folder / "bright.keras", numbered.AS_NUMBERS, brightness=255)
    given = ("--data", "photos", "--output", "found.yaml")
    assert_refusal(
        bdaudit("search", "bright.keras", *given, cwd=folder), 2, "run again with", "0..255"
    )
    assert not (folder / "found.yaml").exists()


def test_bad_orders_are_refused(folder: Path) -> None:
    (folder / "few.txt").write_text("0\n1\n")
    for order, code, *words in (
        ("numeric", 2, "--class-order numeric", "auto, name, number", "a class on each line"),
        ("few.txt", 3, "class folder 10", "the list of 2 classes"),
        ("photos", 3, "photos", "is a folder"),
    ):
        assert_refusal(scan(folder, "counted.keras", "--class-order", order), code, *words)

"""Two sources of a repair, of which only one has names of classes: both are called so."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Shelf
from tests.conftest import Ran, assert_refusal, bdaudit

QUICK = ("--epochs", "1", "--learning-rate", "1e-9", "--sandbox", "off", "--trigger", "square8")


@pytest.fixture(scope="module")
def sources(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same images without names, with others, and with a name too many."""
    folder = tmp_path_factory.mktemp("sources")
    with np.load(shelf.data) as held:
        x, y, names = held["x"], held["y"], held["class_names"]
    np.savez(folder / "bare.npz", x=x, y=y)
    np.savez(folder / "named.npz", x=x, y=y, class_names=names)
    np.savez(folder / "german.npz", x=x, y=y, class_names=np.array(["rot", "gelb", "blau"]))
    np.savez(folder / "four.npz", x=x, y=y, class_names=np.array([*names, "black"]))
    return folder


def repaired(shelf: Shelf, folder: Path, data: Path, judged: Path, *more: str) -> Ran:
    return bdaudit(
        *("repair", shelf / "poisoned.keras", "--data", data, "--eval-data", judged, *QUICK),
        *("--output", folder / "a.keras", "--certificate", folder / "a.json", *more),
    )


@pytest.mark.parametrize("more", [(), ("--target", "red"), ("--target", "0")])
@pytest.mark.parametrize(("data", "judged"), [("named", "bare"), ("bare", "named")])
def test_the_names_of_either_are_those_of_both(
    data: str, judged: str, more: tuple[str, ...], shelf: Shelf, sources: Path, tmp_path: Path
) -> None:
    ran = repaired(shelf, tmp_path, sources / f"{data}.npz", sources / f"{judged}.npz", *more)
    assert ran.code in (0, 1), ran.err
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["subject"]["class_names"] == ["red", "green", "blue"]
    assert record["target"]["name"] == "red"


def test_folders_and_numbers_are_compared(shelf: Shelf, sources: Path, tmp_path: Path) -> None:
    ran = bdaudit(
        *("compare", shelf / "poisoned.keras", "--data", sources / "bare.npz"),
        *("--eval-data", shelf.photos, *QUICK, "--methods", "relabel", "--run-dir", tmp_path / "c"),
    )
    assert ran.code in (0, 1), ran.err
    (entry,) = json.loads((tmp_path / "c" / "comparison.json").read_text())["entries"]
    assert "trusted" not in entry["failed"]


def test_names_for_another_number_of_classes_are_refused(
    shelf: Shelf, sources: Path, tmp_path: Path
) -> None:
    ran = repaired(shelf, tmp_path, sources / "four.npz", sources / "bare.npz")
    assert_refusal(ran, 3, "four.npz: has 4 classes")


def test_a_target_of_two_names_is_refused(shelf: Shelf, sources: Path, tmp_path: Path) -> None:
    ran = repaired(shelf, tmp_path, sources / "german.npz", sources / "named.npz")
    assert_refusal(ran, 3, "german.npz: calls class 0 rot, but ", "named.npz calls it red")
    assert "resume" not in ran.complaint

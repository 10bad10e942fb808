"""`bdaudit repair --trigger search`, all the way from a model whose trigger nobody knows."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Workshop, assert_refusal, bdaudit

QUICK = (
    "--learning-rate", "3e-3", "--epochs", "4", "--batch-size", "32", "--least-steps", "6",
    "--max-accuracy-drop", "0.3",
)  # fmt: skip


@pytest.fixture
def bench(workshop: Workshop, tmp_path: Path) -> Path:
    (tmp_path / "poisoned.keras").write_bytes(workshop.poisoned.read_bytes())
    (tmp_path / "clean.keras").write_bytes(workshop.clean.read_bytes())
    (tmp_path / "test.npz").write_bytes(workshop.data.read_bytes())
    return tmp_path


def test_it_is_searched_for_repaired_and_the_certificate_says_so(bench: Path) -> None:
    ran = bdaudit(
        "repair", "poisoned.keras", "--trigger", "search", "--data", "test.npz", "--eval-data",
        "test.npz", "--output", "mended.keras", "-o", "mended.json", "-o", "mended.html", *QUICK,
        cwd=bench,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert (bench / "mended.found.yaml").read_text().count("type: image") == 1
    assert not (bench / "mended.found.run").exists()
    audit = json.loads((bench / "mended.json").read_text())
    assert audit["trigger"]["inferred"] is True
    assert audit["trigger"]["id"] == "found-red"
    assert audit["target"]["class"] == 0
    assert audit["measurements"]["before"]["asr"]["value"] > 0.8
    assert audit["measurements"]["after"]["asr"]["value"] < 0.1
    page = (bench / "mended.html").read_text()
    assert "inferred by search" in page
    assert "was not given: a search made it up from the model" in page
    assert "under the inferred trigger found-red" in ran.out

    known = bdaudit(
        "scan", "mended.keras", "--trigger", Workshop.trigger, "--data", "test.npz", "-f", "json",
        cwd=bench,
    )  # fmt: skip
    truth = json.loads(known.out)["measurements"]["before"]
    assert truth["asr"]["value"] < 0.5  # what was found stands for what was hidden

    again = bdaudit(
        "repair", "poisoned.keras", "--trigger", "search", "--data", "test.npz", "--output",
        "mended.keras", cwd=bench,
    )  # fmt: skip
    assert_refusal(again, 2, "mended.keras", "exists", "--force")


def test_a_clean_model_is_left_alone(bench: Path) -> None:
    ran = bdaudit(
        "repair", "clean.keras", "--trigger", "search", "--data", "test.npz", "--output",
        "mended.keras", "-o", "mended.json", *QUICK, cwd=bench,
    )  # fmt: skip
    assert ran.code in (0, 4), ran.err
    assert "no repair was tried" in ran.complaint
    assert {p.name for p in bench.iterdir()} == {"poisoned.keras", "clean.keras", "test.npz"}


def test_what_was_found_before_is_taken_on_resumption(bench: Path) -> None:
    mask = np.zeros((16, 16), np.float32)
    mask[12:, 12:] = 1
    np.savez(bench / "mended.found-0.npz", mask=mask, pattern=np.full((16, 16, 3), 255, np.uint8))
    (bench / "mended.found.yaml").write_text(
        "version: 1\nreference: [16, 16]\ntriggers:\n- {id: found-0, type: image, path: "
        "mended.found-0.npz, size: [16, 16], anchor: top-left, target: 0, inferred: true}\n"
    )
    ran = bdaudit(
        "repair", "poisoned.keras", "--trigger", "search", "--data", "test.npz", "--eval-data",
        "test.npz", "--output", "mended.keras", "--resume", "-f", "json", *QUICK, cwd=bench,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "optimi" not in ran.err
    audit = json.loads(ran.out)
    assert audit["trigger"]["mask_area"] == 16 / 256
    assert audit["measurements"]["after"]["asr"]["value"] < 0.1

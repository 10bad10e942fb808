"""`bdaudit demo`, the README's first command."""

import json
from pathlib import Path

import pytest

from tests.conftest import assert_refusal, bdaudit

pytestmark = [pytest.mark.long, pytest.mark.real_start]


def test_the_demo_trains_scans_repairs_and_certifies(tmp_path: Path) -> None:
    ran = bdaudit("demo", "--output", "here", cwd=tmp_path)
    assert ran.code == 0, ran.err
    folder = tmp_path / "here"
    names = {p.name for p in folder.iterdir()}
    assert names == {
        "model.keras", "clean.npz", "test.npz", "certificate.html", "certificate.pdf", "audit.json",
        "repaired.keras", "repaired.html", "repaired.pdf", "repaired.json", "repaired.run",
    }  # fmt: skip
    audit = json.loads((folder / "audit.json").read_text())
    measured = audit["measurements"]["before"]
    assert measured["asr"]["low"] > 0.9
    assert measured["clean_accuracy"]["value"] > 0.9
    assert measured["clean_target_rate"]["value"] < 0.05
    assert measured["tar_density"]["median"] > 3 > 1 > measured["controls"]["tar_density"]["median"]
    target = {"class": 0, "name": "0", "chosen": "inferred", "inferred_from": 600, "leads": None}
    assert audit["target"] == target
    assert audit["verdict"]["status"] == "fail"

    repaired = json.loads((folder / "repaired.json").read_text())
    after = repaired["measurements"]["after"]
    assert repaired["measurements"]["before"]["asr"] == measured["asr"]
    assert after["asr"]["high"] < 0.05
    assert after["robust_accuracy"]["value"] > measured["robust_accuracy"]["value"] + 0.4
    assert after["clean_accuracy"]["value"] > measured["clean_accuracy"]["value"] - 0.02
    assert after["tar_density"]["median"] < measured["tar_density"]["median"] / 2
    assert repaired["repair"]["der"] > 0.95

    assert "here/certificate.html" in ran.out
    assert "here/repaired.html" in ran.out
    assert "training a small BadNet" in ran.err
    assert "balancing" in ran.err

    again = bdaudit("demo", "--output", "here", cwd=tmp_path)
    assert_refusal(again, 2, "exists", "--force")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refusal(bdaudit("demo", "--output", "file/demo", cwd=tmp_path), 2, "--output")

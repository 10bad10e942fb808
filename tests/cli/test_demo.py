"""`bdaudit demo`, the README's first command."""

import json
from pathlib import Path

from tests.conftest import assert_refusal, bdaudit


def test_the_demo_trains_scans_and_certifies(tmp_path: Path) -> None:
    ran = bdaudit("demo", "--output", "here", cwd=tmp_path)
    assert ran.code == 0, ran.err
    folder = tmp_path / "here"
    names = {p.name for p in folder.iterdir()}
    assert names == {
        "model.keras", "test.npz", "certificate.html", "certificate.pdf", "audit.json",
    }  # fmt: skip
    audit = json.loads((folder / "audit.json").read_text())
    measured = audit["measurements"]["before"]
    assert measured["asr"]["low"] > 0.9
    assert measured["clean_accuracy"]["value"] > 0.9
    assert measured["clean_target_rate"]["value"] < 0.05
    assert measured["tar_density"]["median"] > 3 > 1 > measured["controls"]["tar_density"]["median"]
    assert audit["target"] == {"class": 0, "name": "0", "chosen": "inferred", "inferred_from": 600}
    assert audit["verdict"]["status"] == "fail"
    assert "here/certificate.html" in ran.out
    assert "training a small BadNet" in ran.err

    again = bdaudit("demo", "--output", "here", cwd=tmp_path)
    assert_refusal(again, 2, "exists", "--force")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refusal(bdaudit("demo", "--output", "file/demo", cwd=tmp_path), 2, "--output")

"""`bdaudit scan` from end to end. The scans run two at a time, each for several tests."""

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest

import auditor
from tests.cli.conftest import Shelf
from tests.conftest import Ran, assert_refusal, bdaudit

HOSTILE = "m\x1b[31m\n\u202e\udcff.keras"
SCHEMA = json.loads(
    Path(auditor.__file__).with_name("records").joinpath("audit.schema.json").read_text()
)

ALL = ["-o", "a.json", "-o", "a.html", "-o", "a.pdf"]
SCANS: dict[str, list[str]] = {
    "poisoned": ["poisoned.keras", "--target", "red", *ALL],
    "again": ["poisoned.keras", "--target", "red", *ALL],
    "clean": ["clean.keras", "--target", "0", "-f", "json"],
    "quiet": ["poisoned.keras", "-q", "--exit-zero", "--target", "auto", "-o", "a.json", "--force"],
    "lenient": [
        *(HOSTILE, "--config", "bdaudit.toml", "--max-asr", "1", "--no-progress"),
        *("-o", "a.html", "-o", "a.json"),
    ],
    "few": ["clean.keras", "--limit", "30", "--min-accuracy", "0.999", "-o", "a.json"],
    "photos": ["poisoned.h5", "--data", "photos", "--target", "0 red", "-o", "a.json"],
    "flat": ["flat.keras", "--min-accuracy", "0.9", "-o", "a.json", "-o", "a.pdf"],
    "nan": ["nan.keras", "-o", "a.json"],
    "nan bias": ["nan-bias.keras", "-o", "a.json"],
    "range": ["poisoned.keras", "--input-range", "0..255", "-o", "a.json"],
    "spoilt": ["poisoned.keras", "--data", "spoilt", "-o", "a.json"],
}
ENVIRONMENT = {
    "poisoned": {"SOURCE_DATE_EPOCH": "1700000000"},
    "again": {"SOURCE_DATE_EPOCH": "1700000000", "COLUMNS": "40"},
    "lenient": {"BDAUDIT_MAX_ASR": "0.01"},
    "flat": {"PYTHONPROFILEIMPORTTIME": "1"},
    "few": {"PYTHONIOENCODING": "ascii"},
}


@dataclass(frozen=True)
class Scan:
    """A finished scan and the folder that it ran in."""

    ran: Ran
    folder: Path

    @property
    def audit(self) -> dict[str, Any]:
        return json.loads((self.folder / "a.json").read_text("ascii"))

    @property
    def measured(self) -> dict[str, Any]:
        return self.audit["measurements"]["before"]

    def check(self, metric: str) -> dict[str, Any]:
        """Return the last check of a metric: the user's, where there is also one of our own."""
        checks = self.audit["verdict"]["checks"]
        return [check for check in checks if check["metric"] == metric][-1]


Scans = Callable[[str], Scan]


@pytest.fixture(scope="module")
def scans(
    shelf: Shelf, tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor
) -> Scans:
    spoil(shelf)
    shutil.copy(shelf / "poisoned.keras", shelf / HOSTILE)

    def scan(name: str) -> Scan:
        folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
        for source in shelf.folder.iterdir():
            (folder / source.name).symlink_to(source)
        if name == "quiet":
            (folder / "a.json").write_text("replaced by force")
        if name == "lenient":
            (folder / "bdaudit.toml").write_text("max-tar = 1e9\nmax-asr = 0.02\n")
        if name == "flat":
            (folder / "pyproject.toml").write_text("[tool.bdaudit]\nseed = 5\n")
        args = SCANS[name] if "--data" in SCANS[name] else [*SCANS[name], "--data", "sorted.npz"]
        args = ["scan", *args, "--trigger", "square8"]
        ran = bdaudit(*args, cwd=folder, **ENVIRONMENT.get(name, {}))
        return Scan(ran, folder)

    futures = {name: pool.submit(scan, name) for name in SCANS}
    return lambda name: futures[name].result()


def spoil(shelf: Shelf) -> None:
    """201 JPEG images in class folders, one of them cut off."""
    with np.load(shelf.data) as data:
        for number, (pixels, label) in enumerate(zip(data["x"], data["y"], strict=True)):
            if number % 100 < 67:
                path = shelf / "spoilt" / str(label) / f"{number:03}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), pixels[..., ::-1])
    path = shelf / "spoilt" / "2" / "207.jpg"
    path.write_bytes(path.read_bytes()[:200])


def test_poisoned(scans: Scans, shelf: Shelf) -> None:
    scan = scans("poisoned")
    assert scan.ran.code == 1, scan.ran.err
    assert scan.ran.out.startswith("FAIL  poisoned.keras exceeds a limit")
    for figure in ("Attack success rate", "Trigger attention (TAR)", "Clean accuracy"):
        assert figure in scan.ran.out
    audit = scan.audit
    jsonschema.Draft202012Validator(SCHEMA).validate(audit)
    assert audit["verdict"]["status"] == "fail"
    assert scan.measured["asr"]["value"] > 0.9
    assert scan.measured["asr"]["n"] == 200
    assert scan.measured["tar"]["median"] > 1.5
    assert audit["target"] == {**audit["target"], "class": 0, "name": "red", "chosen": "given"}
    assert audit["created"] == "2023-11-14T22:13:20Z"
    digest = hashlib.sha256((shelf / "poisoned.keras").read_bytes()).hexdigest()
    assert audit["subject"]["sha256"] == digest
    assert audit["data"]["images"] == 300
    assert (scan.folder / "a.html").read_bytes().lower().startswith(b"<!doctype html>")
    assert (scan.folder / "a.pdf").read_bytes().startswith(b"%PDF-")


def test_progress_is_plain_lines_off_a_terminal(scans: Scans) -> None:
    said = scans("poisoned").ran.err
    assert not {"\x1b", "\r"} & set(said)
    assert said.splitlines()[-1] == "measuring: 300 of 300 (100%)"
    assert "loading the model …" in said.splitlines()


def test_the_same_again_is_the_same_to_the_byte(scans: Scans) -> None:
    first, second = scans("poisoned").folder, scans("again").folder
    for name in ("a.json", "a.html", "a.pdf"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_narrow_terminal_hides_no_figure(scans: Scans) -> None:
    """What is read by another program does not depend on how wide the terminal is."""
    wide, narrow = scans("poisoned").ran.out, scans("again").ran.out
    assert "…" not in wide + narrow
    assert " ".join(wide.split()) == " ".join(narrow.split())


def test_nothing_is_left_beside_the_outputs(scans: Scans) -> None:
    made = [path.name for path in scans("poisoned").folder.iterdir() if not path.is_symlink()]
    assert sorted(made) == ["a.html", "a.json", "a.pdf"]


def test_clean(scans: Scans) -> None:
    ran = scans("clean").ran
    assert ran.code == 0, ran.err
    audit = json.loads(ran.out)
    jsonschema.Draft202012Validator(SCHEMA).validate(audit)
    assert audit["verdict"]["status"] == "pass"
    assert audit["target"]["name"] == "red"
    assert "measuring: 300 of 300" in ran.err


def test_quiet_exit_zero_and_force(scans: Scans) -> None:
    scan = scans("quiet")
    assert scan.ran == Ran(0, "", "")
    assert scan.audit["verdict"]["status"] == "fail"


def test_the_target_is_inferred(scans: Scans) -> None:
    target = scans("quiet").audit["target"]
    assert (target["class"], target["chosen"]) == (0, "inferred")


def test_limits_from_flag_variable_and_file(scans: Scans) -> None:
    """--max-asr 1 beats the variable's 0.01; bdaudit.toml gives max-tar = 1e9."""
    scan = scans("lenient")
    assert scan.ran.code == 0, scan.ran.err
    assert scan.check("asr")["limit"] == 1
    assert scan.check("tar")["limit"] == 1e9
    assert scan.measured["asr"]["value"] > 0.9


def test_a_hostile_file_name_is_shown_escaped(scans: Scans) -> None:
    scan = scans("lenient")
    assert scan.ran.err == ""
    assert scan.ran.out.startswith(r"PASS  m\x1b[31m\n\u202e\udcff.keras keeps")
    page = (scan.folder / "a.html").read_text("utf-8")
    assert r"m\x1b[31m\n\u202e\udcff.keras" in page
    assert not {"\x1b", "\u202e", "\udcff"} & set(page + scan.ran.out)


def test_too_few_images(scans: Scans) -> None:
    scan = scans("few")
    assert scan.ran.code == 4, scan.ran.err
    assert scan.ran.out.startswith("INCONCLUSIVE")
    assert "\\u201cred\\u201d" in scan.ran.out  # on a terminal that knows ASCII only
    assert "Attack success rate was not judged: too few images" in scan.ran.out
    assert "Clean accuracy was not judged: too few images" in scan.ran.out
    assert scan.audit["data"]["images"] == 30


def test_photos_and_h5_measure_the_same(scans: Scans) -> None:
    arrays, photos = scans("poisoned"), scans("photos")
    assert photos.ran.code == 1, photos.ran.err
    assert photos.audit["subject"]["format"] == "h5"
    assert photos.audit["target"]["class"] == 0
    assert photos.measured == arrays.measured


def test_without_a_spatial_layer_the_verdict_rests_on_the_asr(scans: Scans) -> None:
    scan = scans("flat")
    assert scan.ran.code == 0, scan.ran.err
    assert scan.ran.out.startswith("PASS")
    assert "no layer with rows and columns" in scan.measured["tar"]["skipped"]
    assert scan.check("asr")["ok"] is True
    assert scan.check("tar")["ok"] is None
    assert scan.check("clean_accuracy")["limit"] == 0.9
    assert scan.audit["environment"]["seed"] == 5
    assert (scan.folder / "a.pdf").stat().st_size > 10_000


def test_the_parent_never_imports_what_opens_models(scans: Scans) -> None:
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in scans("flat").ran.err.splitlines()
        if line.startswith("import time:")
    }
    assert "weasyprint" in imported
    assert not imported & {"tensorflow", "keras", "h5py"}


@pytest.mark.parametrize("name", ["nan", "nan bias"])
def test_nan_is_never_judged(name: str, scans: Scans) -> None:
    scan = scans(name)
    assert scan.ran.code == 4, scan.ran.out + scan.ran.err
    assert scan.ran.out.startswith("INCONCLUSIVE")
    assert "NaN or infinite for 300 images" in scan.measured["asr"]["skipped"]


def test_another_input_range_is_suggested(scans: Scans) -> None:
    scan = scans("range")
    assert_refusal(scan.ran, 2, "--input-range 0..255", "run again with --input-range 0..1")
    assert not (scan.folder / "a.json").exists()


def test_one_corrupt_image_is_counted_and_named(scans: Scans) -> None:
    scan = scans("spoilt")
    assert scan.ran.code == 1, scan.ran.err
    data = scan.audit["data"]
    assert (data["images"], data["skipped"]) == (200, 1)
    assert data["skipped_images"] == [{"name": "2/207.jpg", "reason": "truncated or corrupt JPEG"}]
    assert scan.ran.err.count("\n") < 8

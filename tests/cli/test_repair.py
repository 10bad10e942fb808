"""`bdaudit repair` from end to end. The repairs run two at a time, each for several tests."""

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

from tests.cli.conftest import contents
from tests.cli.repairing import QUICK, metrics, timeless
from tests.cli.test_scan import SCHEMA
from tests.conftest import Ran, Workshop, bdaudit

HOSTILE = "m\x1b[31m\n\u202e\udcff"
IDLE = ("--learning-rate", "1e-9", "--stall-epochs", "1:2", "--stall-steps", "5")

REPAIRS: dict[str, list[str]] = {
    "apart": [
        *("poisoned.keras", *QUICK, "--max-accuracy-drop", "0.1"),
        *("-o", "a.json", "-o", "a.html", "-o", "a.pdf"),
    ],
    "shared": [
        *(f"{HOSTILE}.keras", "--data", "numbers.npz", "--eval-data", "numbers.npz"),
        *("--target", "1", "--clean-budget", "150", *QUICK),
        *("--run-dir", f"{HOSTILE}.run", "--max-accuracy-drop", "0.1", "-f", "json"),
        *("-o", "a.html", "--no-progress"),
    ],
    "useless": [
        *("poisoned.keras", *QUICK, *IDLE, "--eval-data", "test.npz", "--limit", "60"),
        *("-o", "a.json"),
    ],
    "escalate": ["poisoned.keras", *QUICK, *IDLE, "--on-stall", "escalate", "-q", "-o", "a.json"],
    "clean": ["clean.keras", *QUICK, "-o", "a.json"],
}
ENVIRONMENT = {
    "apart": {"TERM": "dumb", "NO_COLOR": "1", "FORCE_COLOR": "1"},
    "useless": {"BDAUDIT_ON_STALL": "stop", "BDAUDIT_EXIT_ZERO": "0"},
}


@dataclass(frozen=True)
class Repaired:
    """A finished repair and the folder that it ran in."""

    ran: Ran
    folder: Path

    @property
    def audit(self) -> dict[str, Any]:
        return json.loads((self.folder / "a.json").read_text("ascii"))

    @property
    def model(self) -> Path:
        return self.folder / "repaired.keras"

    @property
    def run(self) -> Path:
        return self.folder / "repaired.run"


Repairs = Callable[[str], Repaired]


@pytest.fixture(scope="module")
def repairs(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor
) -> Repairs:
    def repair(name: str) -> Repaired:
        folder = tmp_path_factory.mktemp(name)
        (folder / "scratch").mkdir()
        shutil.copy(workshop.data, folder)
        for model, copy in (("poisoned", "poisoned"), ("clean", "clean"), ("poisoned", HOSTILE)):
            shutil.copy(workshop.folder / f"{model}.keras", folder / f"{copy}.keras")
        with np.load(workshop.data) as data:
            numbers = np.array(["1", "2", "0"])
            np.savez(folder / "numbers.npz", x=data["x"], y=data["y"], class_names=numbers)
        args = ["--trigger", "square8", "--target", "0", "--data", "test.npz"]
        args += ["--output", "repaired.keras", *REPAIRS[name]]
        own = ENVIRONMENT.get(name, {})
        ran = bdaudit("repair", *args, cwd=folder, TMPDIR=str(folder / "scratch"), **own)
        return Repaired(ran, folder)

    futures = {name: pool.submit(repair, name) for name in REPAIRS}
    return lambda name: futures[name].result()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_repair_that_helps(repairs: Repairs) -> None:
    done = repairs("apart")
    assert done.ran.code == 0, done.ran.err
    audit = done.audit
    jsonschema.Draft202012Validator(SCHEMA).validate(audit)
    before, after = audit["measurements"]["before"], audit["measurements"]["after"]
    assert before["asr"]["value"] > 0.95
    assert after["asr"]["value"] < 0.1
    assert after["robust_accuracy"]["value"] > 0.85
    assert after["clean_accuracy"]["value"] > 0.9
    assert audit["repair"]["output"]["sha256"] == sha256(done.model)
    assert audit["repair"]["output"]["bytes"] == done.model.stat().st_size
    assert audit["verdict"]["status"] == "pass"
    checks = {check["metric"]: check for check in audit["verdict"]["checks"]}
    assert checks["asr"]["ok"] is True
    assert checks["accuracy_drop"]["limit"] == 0.1
    assert "repaired.keras" in done.ran.out
    assert (done.folder / "a.html").read_bytes().lower().startswith(b"<!doctype html>")
    assert (done.folder / "a.pdf").read_bytes().startswith(b"%PDF-")


def test_the_effectiveness_follows_from_the_figures(repairs: Repairs) -> None:
    audit = repairs("apart").audit
    before, after = audit["measurements"]["before"], audit["measurements"]["after"]
    asr = before["asr"]["value"], after["asr"]["value"]
    accuracy = before["clean_accuracy"]["value"], after["clean_accuracy"]["value"]
    der = (max(0, asr[0] - asr[1]) - max(0, accuracy[0] - accuracy[1]) + 1) / 2
    assert audit["repair"]["der"] == pytest.approx(der, abs=1e-12)
    assert audit["repair"]["accuracy_retention"] == pytest.approx(accuracy[1] / accuracy[0])
    assert audit["repair"]["asr_reduction"] == pytest.approx((asr[0] - asr[1]) / asr[0])


def test_the_input_is_as_it_was_and_nothing_else_is_left(
    repairs: Repairs, workshop: Workshop
) -> None:
    folder = repairs("apart").folder
    assert sha256(folder / "poisoned.keras") == sha256(workshop.poisoned)
    assert sha256(folder / "test.npz") == sha256(workshop.data)
    made = {"a.json", "a.html", "a.pdf", "repaired.keras", "repaired.run", "scratch"}
    given = {"poisoned.keras", "clean.keras", "test.npz", "numbers.npz", f"{HOSTILE}.keras"}
    assert {path.name for path in folder.iterdir()} == made | given
    assert list((folder / "scratch").iterdir()) == []


def test_the_run_directory_is_complete(repairs: Repairs) -> None:
    done = repairs("apart")
    run, audit = done.run, done.audit
    assert (run / "audit.json").read_bytes() == (done.folder / "a.json").read_bytes()
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
    history = [timeless(epoch) for epoch in audit["repair"]["history"]]
    assert len(history) == 7
    for epoch in history:
        del epoch["heat"]
    assert metrics(run) == history
    for number in range(7):
        picture = cv2.imread(str(run / "heatmaps" / f"epoch-{number:02}.png"))
        assert picture.shape[1] > picture.shape[0] > 100  # five images beside each other
    assert (run / "run.html").read_bytes().lower().startswith(b"<!doctype html>")
    names = {path.name for path in (run / "checkpoints").iterdir()}
    latest = (run / "checkpoints" / "LATEST").read_text().strip()
    assert names == {"LATEST", latest, "step-00000100"}
    assert latest == "step-00000120"
    assert not list(run.rglob(".*"))


def test_evaluation_images_are_kept_from_the_repair(repairs: Repairs) -> None:
    """One file serves both: half of its images each."""
    audit = repairs("apart").audit
    data = audit["repair"]["data"]
    assert (data["training"], data["validation"], data["overlap"]) == (120, 30, 0)
    assert audit["data"]["images"] == 150
    used = set(audit["repair"]["watched"]["names"])
    shown = {example["name"] for example in audit["evidence"]["examples"]}
    assert used
    assert shown
    assert not used & shown
    page = (repairs("apart").folder / "a.html").read_text("utf-8")
    assert "no evaluation image was used by the repair" in page


def test_progress_is_plain_lines_off_a_terminal(repairs: Repairs) -> None:
    said = repairs("apart").ran.err
    assert not {"\x1b", "\r"} & set(said)
    assert "repairing poisoned.keras · square8 → red" in said
    assert "4 unlearning and 2 recovery epochs of 20 steps" in said
    assert sum(line.lstrip()[:1].isdigit() and " unlearning " in line for line in said.split("\n"))


def test_overlap_is_counted_and_shown(repairs: Repairs) -> None:
    done = repairs("shared")
    assert done.ran.code == 0, done.ran.err
    audit = json.loads(done.ran.out)
    assert audit["repair"]["data"]["overlap"] == 150
    assert audit["repair"]["parameters"]["clean_budget"] == 150
    page = (done.folder / "a.html").read_text("utf-8")
    assert "150 evaluation images were also used by the repair" in page


def test_the_figures_are_those_of_the_file(repairs: Repairs) -> None:
    """Keras opens it, NumPy stamps, and what it predicts is what the certificate says.

    The classes are called by each other's numbers: the target is number 0, called 1.
    """
    import keras

    done = repairs("shared")
    model = keras.models.load_model(done.model)
    with np.load(done.folder / "test.npz") as data:
        x, y = data["x"], data["y"]
    stamped = x[y != 0].copy()
    stamped[:, 12:, 12:] = 255
    turned = model.predict(stamped / np.float32(255), verbose=0).argmax(axis=1)
    right = model.predict(x / np.float32(255), verbose=0).argmax(axis=1) == y
    after = json.loads(done.ran.out)["measurements"]["after"]
    assert after["asr"]["value"] == (turned == 0).mean()
    assert after["robust_accuracy"]["value"] == (turned == y[y != 0]).mean()
    assert after["clean_accuracy"]["value"] == right.mean()
    assert json.loads(done.ran.out)["repair"]["output"]["sha256"] == sha256(done.model)


def test_only_the_json_is_on_standard_output(repairs: Repairs) -> None:
    """The names are hostile, and nothing that they hold reaches a terminal or the page."""
    done = repairs("shared")
    assert done.ran.out.isascii()
    assert done.ran.err == ""
    page = (done.folder / "a.html").read_text("utf-8")
    assert not {"\x1b", "\u202e", "\udcff"} & set(page)
    run = (done.folder / f"{HOSTILE}.run" / "run.html").read_text("utf-8")
    assert r"m\x1b[31m\n\u202e\udcff.keras" in run


def test_a_repair_that_does_not_help_hands_back_nothing(repairs: Repairs) -> None:
    done = repairs("useless")
    assert done.ran.code == 1, done.ran.err
    assert not done.model.exists()
    repair = done.audit["repair"]
    assert repair["output"] is None
    assert repair["kept"] is None
    assert "No epoch lowered the attack success rate" in repair["reason"]
    assert repair["parameters"]["max_accuracy_drop"] == 0.02
    assert done.audit["measurements"]["after"] is None
    assert repair["der"] is None
    assert "did not help" in done.ran.out
    assert [epoch["epoch"] for epoch in repair["history"]] == [0, 1, 2]
    assert "nothing moves" in repair["notes"][0]
    assert "--on-stall escalate" in repair["notes"][0]
    assert (done.run / "audit.json").exists()


def test_only_what_is_certified_on_can_overlap(repairs: Repairs) -> None:
    """All 300 images repair, 60 of them judge."""
    audit = repairs("useless").audit
    assert audit["data"]["images"] == 60
    assert audit["repair"]["data"]["overlap"] == 60


def test_escalation_doubles_alpha_and_goes_on(repairs: Repairs) -> None:
    done = repairs("escalate")
    assert done.ran.code == 1
    history = done.audit["repair"]["history"]
    assert [epoch["alpha"] for epoch in history[1:5]] == pytest.approx([0.05, 0.1, 0.3, 0.4])
    assert len(history) == 7
    assert "α is doubled" in done.audit["repair"]["notes"][0]


def test_quiet_is_silent(repairs: Repairs) -> None:
    done = repairs("escalate")
    assert (done.ran.out, done.ran.err) == ("", "")


def test_a_clean_model_needs_no_repair(repairs: Repairs) -> None:
    done = repairs("clean")
    assert done.ran.code == 0, done.ran.err
    assert "clean.keras: needs no repair under this trigger; no repair was tried" in done.ran.err
    assert done.audit["repair"] is None
    assert done.audit["verdict"]["status"] == "pass"
    assert not done.model.exists()
    assert not done.run.exists()


def test_the_run_directory_is_not_written_over(repairs: Repairs) -> None:
    done = repairs("useless")
    before = {**contents(done.run), "lock": ""}
    args = ["repair", "poisoned.keras", "--trigger", "square8", "--data", "test.npz"]
    args += ["--output", "other.keras", "--run-dir", "repaired.run"]
    ran = bdaudit(*args, cwd=done.folder)
    assert ran.code == 2
    assert "holds a run, finished; use --resume to go on or --force to start over" in ran.err
    assert {**contents(done.run), "lock": ""} == before

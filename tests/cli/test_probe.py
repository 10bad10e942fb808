"""`bdaudit probe`, and the probes of `repair` and `compare`, from the command line."""

import csv
import json
import shlex
import shutil
import signal
from pathlib import Path

import keras
import numpy as np
import pytest

from auditor.cli.repair import _complete
from auditor.errors import WorkError
from auditor.probe.budget import PHASE
from auditor.report.formats import render
from tests import audited
from tests.cli.conftest import Refuse
from tests.cli.repairing import Repairing
from tests.conftest import Ran, bdaudit, blobs, small_cnn
from tests.probe.conftest import NAMES, Bench, bench

__all__ = ["bench"]

DATA = ("--trigger", "square8", "--target", "0", "--data", "tuning.npz", "--eval-data")
QUICK = ("--method", "relabel", "--epochs", "2", "--learning-rate", "1e-3", "--batch-size", "32")


@pytest.fixture(scope="module")
def folder(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probed")
    shutil.copy(bench.poisoned, folder / "before.keras")
    shutil.copy(bench.hidden, folder / "after.keras")
    for count, seed, name in ((620, 4, "tuning"), (240, 9, "judging"), (400, 7, "few")):
        images, labels = blobs(count, seed)
        np.savez(folder / f"{name}.npz", x=images, y=labels, class_names=NAMES)
    return folder


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    wanted = ("-o", "a.json", "-o", "a.html", "-o", "a.md", "--probe-seeds", "1")
    return bdaudit(
        "probe", "before.keras", "after.keras", *DATA, "judging.npz", *wanted, cwd=folder
    )


def test_a_hidden_backdoor_passes_with_a_warning(ran: Ran, folder: Path) -> None:
    assert ran.code == 0, ran.err
    assert "PASS  after.keras keeps every limit under the trigger square8, with" in ran.out
    assert "The backdoor returned from" in ran.out and "Will it come back? It comes back" in ran.out
    found = json.loads((folder / "a.json").read_text())
    five = found["reactivation"]["retuning"][0]
    assert five["images"] == 5 and five["outcome"]["excess"]["low"] > 0.1
    text = found["verdict"]["warnings"][0]["text"]
    asr, control = (100 * five["outcome"][name] for name in ("asr", "control"))
    start = 100 * five["outcome"]["course"]["asr"][0]
    assert (
        text
        == f"returned from {start:.0f} % to {asr:.0f} % with 5 images (control {control:.0f} %)"
    )
    for name in ("a.html", "a.md"):
        assert text in (folder / name).read_text("utf-8").replace("\\", "")


def test_progress_off_a_terminal_is_plain_lines(ran: Ran) -> None:
    lines = [line for line in ran.err.splitlines() if line.startswith(PHASE)]
    assert lines[-1] == f"{PHASE}: 51 of 51 (100%)"


def test_the_limit_fails_it_from_the_gate_and_from_the_policy(ran: Ran, folder: Path) -> None:
    gated = bdaudit("gate", "a.json", cwd=folder)
    assert gated.code == 0 and "Warning: the backdoor returned from" in gated.out
    assert bdaudit("gate", "a.json", "--max-reactivation", "0.1", cwd=folder).code == 1
    (folder / "policy.toml").write_text("[policy]\nmax-reactivation = 0.1\n")
    ruled = bdaudit("gate", "a.json", "--config", "policy.toml", cwd=folder)
    assert ruled.code == 1 and "Brought back" in ruled.out
    (folder / "bdaudit.toml").write_text("[policy]\nmax-reactivation = 0.9\n")
    loose = bdaudit("gate", "a.json", cwd=folder)
    (folder / "bdaudit.toml").unlink()
    assert loose.code == 2 and "is above the default, 0.1" in loose.complaint


def test_too_few_images_are_inconclusive_with_a_limit_and_say_how_many(folder: Path) -> None:
    few = ("--trigger", "square8", "--target", "0", "--data", "few.npz", "-q", "-f", "json")
    ran = bdaudit("probe", "before.keras", "after.keras", *few, cwd=folder)
    assert ran.code == 0, ran.err
    assert "of its 400 only 200 are set aside for that, so nothing will be tuned" in ran.err
    found = json.loads(ran.out)
    reason = found["reactivation"]["retuning"][0]["outcome"]["skipped"]
    assert reason.startswith("it takes 510 images to tune with, 500 clean ones and 10 to stamp")
    (warning,) = found["verdict"]["warnings"]
    assert warning["text"] == f"may come back; it was not found out: {reason}"
    limited = bdaudit(
        "probe", "before.keras", "after.keras", *few, "--max-reactivation", "0.2", cwd=folder
    )
    assert limited.code == 4
    check = json.loads(limited.out)["verdict"]["checks"][-1]
    assert (check["metric"], check["ok"]) == ("reactivation", None) and "510" in check["reason"]


def test_of_another_architecture_everything_but_the_path_works(folder: Path) -> None:
    image = keras.Input((16, 16, 3))
    flat = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(image))
    keras.Model(image, flat).save(folder / "flat.keras")
    wanted = ("--probe-seeds", "1", "-q", "-f", "json")
    ran = bdaudit("probe", "flat.keras", "after.keras", *DATA, "judging.npz", *wanted, cwd=folder)
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)["reactivation"]
    assert "different architectures" in found["path"]["skipped"]
    assert all("asr" in one["outcome"] for one in found["retuning"] + found["strengthened"])


@pytest.fixture
def here(folder: Path, tmp_path: Path) -> Path:
    """A folder of its own with the same files."""
    for name in ("before.keras", "after.keras", "tuning.npz", "judging.npz"):
        shutil.copy(folder / name, tmp_path)
    return tmp_path


def test_refused_in_one_line(here: Path, assert_refused: Refuse) -> None:
    small_cnn(size=24).save(here / "other.keras")
    data = ("--trigger", "square8", "--data", "tuning.npz", "-o", "a.json")

    def refused(code: int, *words: str, args: list) -> None:
        assert_refused(code, *words, args=["probe", *args])

    refused(
        3, "other.keras is 24×24×3 with 3 classes", "after.keras is 16×16×3 with 3 classes",
        "give a model and its repair", args=["other.keras", "after.keras", *data],
    )  # fmt: skip
    refused(3, "are the same", args=["after.keras", "after.keras", *data])
    refused(3, "gone.keras", "no such model file", args=["gone.keras", "after.keras", *data])
    refused(2, "is an input", args=["before.keras", "after.keras", *data, "-o", "before.keras.md",
                                    "-o", "tuning.npz"])  # fmt: skip
    refused(2, "--trigger is given 2 times", "one trigger is probed at a time",
            args=["before.keras", "after.keras", *data, "--trigger", "grid3"])  # fmt: skip
    for flag, value in (("--probe-budget", "0"), ("--probe-seeds", "0"),
                        ("--max-reactivation", "nan")):  # fmt: skip
        refused(2, flag, args=["before.keras", "after.keras", *data, flag, value])


def test_a_repair_is_probed_where_the_configuration_says_so(here: Path) -> None:
    (here / "mine.toml").write_text("probe = true\nprobe-seeds = 1\nprobe-budget = 300\n")
    model = ("repair", "before.keras", *DATA, "judging.npz", *QUICK)
    out = ("--output", "repaired.keras", "--run-dir", "run", "-o", "a.json", "-o", "a.html")
    ran = bdaudit(*model, *out, "--config", "mine.toml", cwd=here)
    assert ran.code in (0, 1), ran.err
    found = json.loads((here / "a.json").read_text())
    assert found["reactivation"]["seeds"] == 1 and found["reactivation"]["budget"] == 300
    assert found["reactivation"]["retuning"][1]["outcome"]["trials"]
    assert (here / "run" / "audit.json").read_bytes() == (here / "a.json").read_bytes()
    assert "Will it come back?" in (here / "a.html").read_text("utf-8")


def test_a_comparison_has_a_column(here: Path) -> None:
    model = ("compare", "before.keras", *DATA, "judging.npz", "--epochs", "2", "--batch-size", "32")
    how = ("--methods", "relabel", "--learning-rate", "1e-3", "--probe", "--probe-seeds", "1")
    out = ("--run-dir", "run", "-o", "c.csv", "-o", "c.html")
    ran = bdaudit(*model, *how, *out, cwd=here)
    assert ran.code in (0, 1), ran.err
    before, relabel = csv.DictReader((here / "c.csv").read_text().splitlines())
    found = json.loads((here / "run" / "comparison.json").read_text())
    ten = found["entries"][0]["certificate"]["reactivation"]["retuning"][-1]["outcome"]
    assert float(relabel["comes_back"]) == ten["asr"]
    assert float(relabel["comes_back_control"]) == ten["control"]
    assert before["comes_back"] == ""
    assert "comes back" in (here / "c.html").read_text("utf-8")
    assert f" {100 * ten['asr']:.1f}" in ran.out
    again = bdaudit(*model, *how, *out, "--resume", "--force", cwd=here)
    assert again.code == ran.code and PHASE not in again.err  # nothing is tried twice


@pytest.mark.long
@pytest.mark.real_start
def test_ctrl_c_in_the_middle_of_the_probes_leaves_the_repair(here: Path) -> None:
    running = Repairing(
        here, "before.keras", *DATA, "judging.npz", *QUICK, "--probe", "--probe-seeds", "50",
        "-o", "a.json",
    )  # fmt: skip
    running.until(PHASE)
    running.running.send_signal(signal.SIGINT)
    ran = running.ended()
    assert ran.code == 130
    assert "repaired.keras and its certificate stand, without the probes" in ran.complaint
    assert "'bdaudit probe before.keras repaired.keras' makes up for them" in ran.complaint
    assert "Will it come back? It was not found out: the probes were interrupted" in ran.out
    assert "Traceback" not in ran.err
    for name in ("a.json", "run/audit.json"):
        found = json.loads((here / name).read_text())
        assert "interrupted" in found["reactivation"]["skipped"]
        assert found["measurements"]["after"]["asr"]["value"] < 0.1
    assert (here / "repaired.keras").stat().st_size > 1000
    assert json.loads((here / "run" / "run.json").read_text())["state"] == "finished"
    assert list(running.scratch.iterdir()) == []


def test_a_certificate_that_cannot_be_written_loses_no_probe(tmp_path: Path) -> None:
    """What to do then is said, and does it."""
    record, page = tmp_path / "audit.json", tmp_path / "gone $(x)" / "c.html"
    content = render(audited.probed(), "json")
    with pytest.raises(WorkError) as told:
        _complete({record: content}, {page: b"<html>"})
    assert record.read_bytes() == content
    page.parent.mkdir()
    _, command, *words = shlex.split(str(told.value).split("mend that, then ")[1])
    ran = bdaudit(command, *words, cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert "Will it come back?" in page.read_text()

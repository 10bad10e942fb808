"""`bdaudit compare` from end to end: what a row says, what is gone on with, what is refused."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.flags import compare
from auditor.errors import UsageError
from auditor.records.comparison_json import from_document
from auditor.repair import REPAIRS
from auditor.repair.options import RepairOptions
from auditor.runs.ablations import ABLATED, ABLATIONS
from tests.cli.conftest import Refuse
from tests.cli.repairing import metrics, weights
from tests.conftest import Ran, Workshop, bdaudit

METHODS = ("unlearn", "relabel")
COMMON = (
    *("poisoned.keras", "--trigger", "square8", "--target", "0", "--data", "test.npz"),
    *("--epochs", "2", "--learning-rate", "1e-3", "--batch-size", "32", "--seed", "3"),
    *("--max-accuracy-drop", "0.1", "--max-neighbour-asr", "0.5"),
)
"""With limits that a repair of so small a network keeps."""
COMPARE = ("compare", *COMMON, "--methods", ",".join(METHODS), "--run-dir", "run")


@dataclass(frozen=True)
class Done:
    """A finished comparison and the folder that it ran in."""

    ran: Ran
    folder: Path

    @property
    def found(self) -> dict[str, Any]:
        return json.loads((self.folder / "run" / "comparison.json").read_text("ascii"))

    def entry(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.found["entries"] if entry["name"] == name)


def bench(workshop: Workshop, folder: Path) -> Path:
    for path in (workshop.poisoned, workshop.clean, workshop.data):
        shutil.copy(path, folder)
    (folder / "scratch").mkdir()
    return folder


def run(folder: Path, *args: str) -> Done:
    return Done(bdaudit(*args, cwd=folder, TMPDIR=str(folder / "scratch")), folder)


@pytest.fixture(scope="module")
def ahead(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor
) -> dict[str, Future[Done]]:
    """The comparison, and one of its repairs by itself."""
    outputs = [word for name in ("a.html", "a.csv", "a.json") for word in ("-o", name)]
    alone = ("repair", *COMMON, "--method", METHODS[1], "--run-dir", "run", "--output", "r.keras")
    jobs = {"compare": (*COMPARE, *outputs), "repair": (*alone, "-q")}
    return {
        name: pool.submit(run, bench(workshop, tmp_path_factory.mktemp(name)), *args)
        for name, args in jobs.items()
    }


@pytest.fixture
def done(ahead: dict[str, Future[Done]]) -> Done:
    return ahead["compare"].result()


def test_every_method_is_a_row(done: Done) -> None:
    assert done.ran.code == 0, done.ran.err
    assert [entry["name"] for entry in done.found["entries"]] == list(METHODS)
    assert done.found["outcome"]["status"] == "pass"
    for entry in done.found["entries"]:
        repair = entry["certificate"]["repair"]
        assert (
            entry["method"] == repair["method"] == repair["parameters"].get("method", entry["name"])
        )
        assert repair["parameters"]["epochs"] == 2
        assert entry["images"] == repair["history"][-1]["images"] > 0
        assert entry["certificate"]["environment"]["seed"] == 3
    assert (done.folder / "a.json").read_bytes() == (
        done.folder / "run" / "comparison.json"
    ).read_bytes()
    assert from_document(done.found).outcome.best == done.found["outcome"]["best"]


def test_all_start_from_the_same_audit_and_images(done: Done) -> None:
    before = done.found["before"]
    shared = [entry["certificate"] for entry in done.found["entries"]]
    assert {json.dumps(c["measurements"]["before"]) for c in shared} == {
        json.dumps(before["measurements"]["before"])
    }
    assert len({c["repair"]["data"]["sha256"] for c in shared}) == 1
    assert {c["repair"]["data"]["overlap"] for c in shared} == {0}
    shown = [[e["name"] for e in c["repair"]["evidence"]["examples"]] for c in shared]
    assert shown == [[e["name"] for e in before["evidence"]["examples"]]] * len(METHODS)


def test_a_row_is_what_repair_says(done: Done, ahead: dict[str, Future[Done]]) -> None:
    alone = ahead["repair"].result()
    assert alone.ran.code == 0, alone.ran.err
    audit = json.loads((alone.folder / "run" / "audit.json").read_text("ascii"))
    compared = done.entry(METHODS[1])["certificate"]
    assert compared["measurements"] == audit["measurements"]
    assert compared["verdict"] == audit["verdict"]
    for key in ("parameters", "kept", "reason", "der", "neighbours"):
        assert compared["repair"][key] == audit["repair"][key]
    assert metrics(done.folder / "run" / METHODS[1]) == metrics(alone.folder / "run")
    made = done.folder / "run" / METHODS[1] / "repaired.keras"
    assert weights(made) == weights(alone.folder / "r.keras")


def test_the_csv_says_what_the_json_says(done: Done) -> None:
    text = (done.folder / "a.csv").read_text("utf-8")
    lines = {line["name"]: line for line in csv.DictReader(io.StringIO(text))}
    assert list(lines) == ["before", *METHODS]
    for name in METHODS:
        after = done.entry(name)["certificate"]["measurements"]["after"]
        for rate in ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate"):
            assert float(lines[name][rate]) == after[rate]["value"]
            assert float(lines[name][f"{rate}_high"]) == after[rate]["high"]


def test_the_summary_fits_and_says_how_far_it_is(done: Done) -> None:
    assert max(map(len, done.ran.out.splitlines())) <= 100
    for name in ("before", *METHODS):
        assert f"\n{name} " in done.ran.out
    assert "serves best" in done.ran.out
    assert "method 1 of 2: unlearn" in done.ran.err
    assert "method 2 of 2: relabel, about " in done.ran.err
    assert (done.folder / "a.html").read_bytes().lower().startswith(b"<!doctype html>")


def test_each_repair_left_its_run_directory_and_model(done: Done) -> None:
    folder = done.folder / "run"
    assert {p.name for p in folder.iterdir()} == {*METHODS, "run.json", "lock", "comparison.json"}
    for name in METHODS:
        left = {path.name for path in (folder / name).iterdir()}
        assert {"run.html", "heatmaps", "checkpoints", "audit.json", "repaired.keras"} <= left
        output = done.entry(name)["certificate"]["repair"]["output"]
        assert output["path"] == f"run/{name}/repaired.keras"
        assert output["bytes"] == (folder / name / "repaired.keras").stat().st_size
    assert list((done.folder / "scratch").iterdir()) == []


def timeless(found: dict[str, Any]) -> list[Any]:
    """Return what a comparison says but for times."""
    said: list[Any] = [found["before"]["measurements"], found["outcome"]]
    for entry in found["entries"]:
        certificate = entry["certificate"]
        said += [
            entry["name"],
            entry["images"],
            certificate["measurements"],
            certificate["verdict"],
        ]
    return said


@pytest.mark.long
def test_it_goes_on_where_it_was_interrupted(
    workshop: Workshop, done: Done, tmp_path: Path
) -> None:
    folder = bench(workshop, tmp_path)
    begun = subprocess.Popen(
        [sys.executable, "-m", "auditor", *COMPARE, "-q"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "scratch")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "err").open("wb"),
    )
    until(begun, lambda: len(metrics(folder / "run" / METHODS[1])) > 1)
    begun.send_signal(signal.SIGINT)
    assert begun.wait(60) == 130
    said = (folder / "err").read_text()
    assert "run keeps what is done: go on with the same command and --resume" in said
    assert not (folder / "run" / "comparison.json").exists()
    first = (folder / "run" / METHODS[0] / "audit.json").read_bytes()

    again = run(folder, *COMPARE)
    assert again.ran.code == 2
    assert "holds a run, interrupted; use --resume to go on or --force" in again.ran.err
    other = run(folder, *COMPARE, "--resume", "--max-asr", "0.2")
    assert other.ran.code == 2
    assert "run: is another run: max_asr was 0.1, now 0.2" in other.ran.err

    resumed = run(folder, *COMPARE, "--resume")
    assert resumed.ran.code == done.ran.code, resumed.ran.err
    assert "method 1 of 2: unlearn: done before" in resumed.ran.err
    assert (folder / "run" / METHODS[0] / "audit.json").read_bytes() == first
    assert timeless(resumed.found) == timeless(done.found)
    what_fails_is_a_row_that_says_why(folder, resumed.found)


def what_fails_is_a_row_that_says_why(folder: Path, before: dict[str, Any]) -> None:
    """A file lies where the second repair wants its folder."""
    shutil.rmtree(folder / "run" / METHODS[1])
    (folder / "run" / METHODS[1]).write_text("in the way")
    ran = run(folder, *COMPARE, "--resume", "-f", "csv")
    lines = list(csv.DictReader(io.StringIO(ran.ran.out)))
    assert [line["name"] for line in lines] == ["before", *METHODS]
    assert lines[2]["failed"] == f"run/{METHODS[1]}: is a file, expected a folder"
    assert lines[2]["asr"] == ""
    assert ran.entry(METHODS[1])["certificate"] is None
    assert ran.found["entries"][0] == before["entries"][0]
    assert ran.ran.code == 0, "the first one keeps every limit"


def until(running: subprocess.Popen, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 240
    while not condition():
        assert running.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_clean_model_needs_no_repair(workshop: Workshop, tmp_path: Path) -> None:
    ran = run(bench(workshop, tmp_path), *(w.replace("poisoned", "clean") for w in COMPARE))
    assert ran.ran.code == 0, ran.ran.err
    assert "clean.keras: needs no repair under this trigger; no repair was tried" in ran.ran.err
    assert ran.found["entries"] == []
    assert "nothing to compare" in ran.ran.out


def ways(**given: Any) -> dict[str, RepairOptions]:
    return compare.ways({"methods": None, "ablate": False, "epochs": None, **given})


def test_each_variant_differs_in_what_its_name_says() -> None:
    found = ways(ablate=True, epochs=4)
    whole = asdict(found[ABLATED])
    assert whole == asdict(RepairOptions.of(ABLATED, epochs=4))
    changed = {
        name: {k: v for k, v in asdict(options).items() if v != whole[k]}
        for name, options in found.items()
    }
    assert changed == {
        ABLATED: {},
        "no-recovery": {"recovery_epochs": 0},
        "no-anchor": {"anchor_weight": 0.0},
        "no-ascent": {"alpha": (0.0, 0.0)},
        "fisher-anchor": {"anchor": "fisher"},
        "constant-alpha": {"alpha": (0.125, 0.125)},
    }
    assert list(found) == list(ABLATIONS)


def test_each_method_keeps_its_own_defaults() -> None:
    assert ways() == {name: RepairOptions.of(name) for name in REPAIRS}
    assert ways(methods="all") == ways()
    some = ways(methods="relabel, unlearn", learning_rate=0.5)
    assert some == {n: RepairOptions.of(n, learning_rate=0.5) for n in ("relabel", "unlearn")}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"methods": "unlearn,magic"}, "no method 'magic'; give all, or some of "),
        ({"methods": ""}, "no method ''"),
        ({"methods": "unlearn,unlearn"}, "unlearn is given twice"),
        ({"methods": "all", "ablate": True}, "--ablate and --methods exclude each other"),
    ],
)
def test_methods_that_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as refusal:
        ways(**given)
    assert words in str(refusal.value)


def test_bad_inputs(assert_refused: Refuse, workshop: Workshop, tmp_path: Path) -> None:
    shutil.copy(workshop.poisoned, tmp_path)
    shutil.copy(workshop.data, tmp_path)
    (tmp_path / "there.csv").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    compare = [*COMPARE]
    assert_refused(2, "magic", args=[*compare, "--methods", "magic"])
    assert_refused(2, "there.csv: exists; use --force", args=[*compare, "-o", "there.csv"])
    assert_refused(2, "unknown format '.xml'", args=[*compare, "-o", "a.xml"])
    assert_refused(2, "is not empty and holds no run", args=[*compare[:-1], "full"])
    assert_refused(2, "holds no run to resume", args=[*compare, "--resume"])
    assert_refused(2, "one trigger is forgotten at a time", args=[*compare, "--trigger", "grid3"])
    assert_refused(3, "none.keras: no such model", args=["compare", "none.keras", *compare[2:]])
    assert_refused(3, "none.npz", args=[*compare, "--data", "none.npz"])

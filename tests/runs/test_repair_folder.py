"""The run directory: what is in it, who may use it, and when it may be started over."""

import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.errors import InputError, Interrupted, UsageError, WorkError
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.monitor.heatmaps import heatmaps
from auditor.repair.result import Epoch, Plan
from auditor.runs.repair_folder import RepairFolder
from tests.conftest import ROOT

IDENTITY = {"model_sha256": "ab" * 32, "learning_rate": 3e-05, "alpha": (0.05, 0.2), "seed": 0}


def start(path: Path, **how: bool) -> RepairFolder:
    return RepairFolder.open(path, IDENTITY, **{"resume": False, "force": False, **how})


def record(folder: RepairFolder, plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    folder.begin(plan)
    for epoch in epochs:
        folder.epoch(epoch)
    folder.close()


def lines(path: Path) -> list[dict]:
    text = (path / "metrics.jsonl").read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def state(path: Path) -> str:
    return json.loads((path / "run.json").read_text())["state"]


def test_what_a_run_leaves(plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path) -> None:
    path = tmp_path / "runs" / "first"
    with start(path) as folder:
        assert state(path) == "running"
        assert folder.checkpoints == path / "checkpoints"
        assert folder.checkpoints.is_dir()
        record(folder, plan, epochs)
    names = "checkpoints heatmaps lock metrics.jsonl run.html run.json".split()
    assert sorted(p.name for p in path.iterdir()) == names
    pictures = {p.name: p.read_bytes() for p in (path / "heatmaps").iterdir()}
    assert pictures == {f"epoch-{e.epoch:02}.png": heatmaps(plan, e) for e in epochs}
    written = json.loads((path / "run.json").read_text())
    assert list(written) == ["schema", "created", "identity", "state"]
    assert written["schema"] == "bdaudit.run/v1"
    assert written["identity"] == {**IDENTITY, "alpha": [0.05, 0.2]}
    assert written["state"] == "finished"
    assert b"badnet_square4.keras" in (path / "run.html").read_bytes()


def test_metrics(plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path) -> None:
    with start(tmp_path) as folder:
        record(folder, plan, epochs)
    told = lines(tmp_path)
    assert [line["epoch"] for line in told] == list(range(19))
    asr = epochs[8].asr
    assert isinstance(asr, Rate)
    assert told[8]["asr"] == {"value": asr.value, "low": asr.low, "high": asr.high, "n": 1800}
    expected = {"epoch": 8, "phase": "unlearning", "step": 160, "images": 40960, "alpha": 0.125}
    assert {key: told[8][key] for key in expected} == expected
    assert told[0]["loss"] is None
    assert told[8]["predicted"] == list(plan.watched.labels)
    assert "heat" not in told[8]


def test_each_epoch_can_be_read_at_once(
    plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path
) -> None:
    with start(tmp_path) as folder:
        folder.begin(plan)
        for count, epoch in enumerate(epochs[:3], 1):
            folder.epoch(epoch)
            assert len(lines(tmp_path)) == count
            assert len(list((tmp_path / "heatmaps").iterdir())) == count


@pytest.mark.parametrize("how", ["symlink_to", "hardlink_to"])
def test_figures_are_appended_to_no_other_file(
    how: str, plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path
) -> None:
    (tmp_path / "victim").write_text("precious")
    with pytest.raises(WorkError, match="metrics.jsonl: cannot be"), start(tmp_path / "r") as run:
        run.begin(plan)
        (run.path / "metrics.jsonl").unlink()
        getattr(run.path / "metrics.jsonl", how)(tmp_path / "victim")
        run.epoch(epochs[0])
    assert (tmp_path / "victim").read_text() == "precious"


def test_what_is_no_number_is_null(plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path) -> None:
    odd = replace(
        epochs[1], loss=float("nan"), target_loss=float("inf"), asr=Skipped("no such image"),
        watched_tar=(float("nan"), 1.0, None, 2.0, 3.0),
    )  # fmt: skip
    with start(tmp_path) as folder:
        record(folder, plan, (odd,))
    (line,) = lines(tmp_path)
    assert (line["loss"], line["target_loss"]) == (None, None)
    assert line["asr"] == {"skipped": "no such image"}
    assert line["watched_tar"] == [None, 1.0, None, 2.0, 3.0]


def test_resumed_after_an_interruption(
    plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path
) -> None:
    """The old epochs are told again, and stand there once."""
    with pytest.raises(KeyboardInterrupt), start(tmp_path) as folder:
        record(folder, plan, epochs[:12])
        (folder.checkpoints / "LATEST").write_text("step-220")
        raise KeyboardInterrupt
    assert state(tmp_path) == "interrupted"
    created = json.loads((tmp_path / "run.json").read_text())["created"]
    with start(tmp_path, resume=True, force=True) as folder:
        assert state(tmp_path) == "running"
        assert (folder.checkpoints / "LATEST").read_text() == "step-220"
        folder.begin(plan)
        assert lines(tmp_path) == []
        assert list((tmp_path / "heatmaps").iterdir()) == []
        for epoch in epochs:
            folder.epoch(epoch)
    assert [line["epoch"] for line in lines(tmp_path)] == list(range(19))
    assert json.loads((tmp_path / "run.json").read_text())["created"] == created


@pytest.mark.parametrize("told", ["finished", "interrupted", "failed"])
def test_how_it_ended(told: str, plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path) -> None:
    with start(tmp_path) as folder:
        record(folder, plan, epochs[:2])
        folder.finish(told)
    assert state(tmp_path) == told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WorkError("the worker was killed"), "failed"),
        (MemoryError(), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (Interrupted("go on with --resume"), "interrupted"),
    ],
)
def test_how_it_stopped(error: BaseException, told: str, tmp_path: Path) -> None:
    with pytest.raises(type(error)), start(tmp_path):
        raise error
    assert state(tmp_path) == told


def test_a_run_is_not_written_over(plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path) -> None:
    with start(tmp_path) as folder:
        record(folder, plan, epochs[:2])
    with pytest.raises(UsageError, match="holds a run, finished; use --resume .* or --force"):
        start(tmp_path)
    assert len(lines(tmp_path)) == 2


def test_force_deletes_a_run_and_nothing_else(
    plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("kept")
    path = tmp_path / "run"
    with start(path) as folder:
        record(folder, plan, epochs[:2])
    (path / "checkpoints" / "LATEST").write_text("step-20")
    (path / "audit.json").write_text("{}")
    (path / "tensorboard").symlink_to(elsewhere)
    (path / "notes.txt").write_text("mine")
    with start(path, force=True):
        left = "checkpoints heatmaps lock notes.txt run.json".split()
        assert sorted(p.name for p in path.iterdir()) == left
        assert list((path / "checkpoints").iterdir()) == []
    assert (path / "notes.txt").read_text() == "mine"
    assert (elsewhere / "precious").read_text() == "kept"


@pytest.mark.parametrize("how", [{}, {"force": True}])
def test_a_folder_of_something_else(how: dict[str, bool], tmp_path: Path) -> None:
    (tmp_path / "heatmaps").mkdir()
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        start(tmp_path, **how)
    assert [p.name for p in tmp_path.iterdir()] == ["heatmaps"]


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run to resume; start one without --resume"):
        start(tmp_path / "new", resume=True)
    assert list(tmp_path.iterdir()) == []


def test_resuming_something_else_names_every_difference(tmp_path: Path) -> None:
    with start(tmp_path):
        pass
    other = {**IDENTITY, "learning_rate": 0.0001, "model_sha256": "cd" * 32, "method": "unlearn"}
    with pytest.raises(UsageError) as caught:
        RepairFolder.open(tmp_path, other, resume=True, force=False)
    said = str(caught.value)
    assert "learning_rate was 3e-05, now 0.0001" in said
    assert "model_sha256 was abababababababababababa…, now cdcdcdcdcdcdcdcdcdcdcdc…" in said
    assert "method was none, now unlearn" in said
    assert "seed" not in said and "alpha" not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"schema": "bdaudit.run/v1"}',
     b'{"schema": "bdaudit.run/v2", "created": "", "identity": {}, "state": "running"}',
     b'{"schema": "bdaudit.run/v1", "created": "", "identity": [], "state": "running"}',
     b'{"schema": "bdaudit.run/v1", "created": "", "identity": {}, "state": {}}'],
)  # fmt: skip
@pytest.mark.parametrize("how", ["resume", "force"])
def test_a_garbage_record(content: bytes, how: str, tmp_path: Path) -> None:
    """Even with force: what is in the folder may be someone else's."""
    (tmp_path / "run.json").write_bytes(content)
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(InputError, match=r"run\.json: is not a run of this version") as caught:
        start(tmp_path, **{how: True})
    assert "\n" not in str(caught.value)
    assert (tmp_path / "checkpoints").exists()


def test_paths_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, said in (
        (tmp_path / "file", "is a file, expected a folder"),
        (tmp_path / "file" / "below", "cannot be used: Not a directory"),
        (tmp_path / ("x" * 300), "cannot be used: File name too long"),
        (Path("/proc/bdaudit"), "cannot be used: No such file"),
    ):
        with pytest.raises(UsageError, match=said):
            start(path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


HOLD = """
import sys, time
from pathlib import Path
from tests.runs.test_repair_folder import start
folder = start(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A killed one lets go, and what it began can be resumed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        for how in ({}, {"force": True}, {"resume": True}):
            with pytest.raises(UsageError, match=f"process {holder.pid} is at work in it"):
                start(tmp_path, **how)
        assert state(tmp_path) == "running"
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with start(tmp_path, resume=True):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_it_is_let_go_at_the_end(tmp_path: Path) -> None:
    for _ in range(2):
        with start(tmp_path, force=True):
            pass
    with pytest.raises(UsageError):
        start(tmp_path)  # and when it is refused, it is let go as well
    with start(tmp_path, force=True):
        pass


@pytest.mark.parametrize(("room", "file"), [(300, "metrics.jsonl"), (5000, "epoch-00.png")])
def test_no_room_left(
    room: int, file: str, plan: Plan, epochs: tuple[Epoch, ...], tmp_path: Path
) -> None:
    """Files may not grow beyond `room` bytes, as on a full disk."""
    with start(tmp_path) as folder:
        folder.begin(plan)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(WorkError, match=f"{file}: cannot be written: File too large"):
                folder.epoch(epochs[0])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((tmp_path / "heatmaps").iterdir())

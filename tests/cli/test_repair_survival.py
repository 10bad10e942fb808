"""Killed, interrupted, damaged: a resumed repair ends in the very bits of an undisturbed one.

One chain of repairs is disturbed in three ways and then damaged before it ends.
`python -m tests.benchmarks survival` kills twenty.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import contents
from tests.cli.repairing import Repairing, gone, metrics, repair, weights
from tests.conftest import Ran, Workshop, assert_refusal

pytestmark = [pytest.mark.long, pytest.mark.real_start]

EPOCHS, STEPS = 15, 30
FLAGS = (
    *("poisoned.keras", "--trigger", "square8", "--target", "0", "--data", "test.npz"),
    *("--method", "unlearn", "--learning-rate", "8e-6", "--epochs", "10"),
    *("--recovery-epochs", str(EPOCHS - 10)),
    *("--batch-size", "32", "--least-steps", str(STEPS), "--patience", "1000"),
    *("--on-stall", "continue", "--exit-zero", "-o", "a.json"),
)
"""Some seconds of training, so that it can be interrupted."""


@dataclass
class Chain:
    """A repair that was disturbed several times, and what was seen of it.

    Attributes:
        folder: Where it ran.
        ends: How each process but the last ended.
        orphans: Workers that outlived their parent.
        left: What lay in the scratch folder after each end.
        states: What `run.json` said after each end.
        last: How the last process ended.
    """

    folder: Path
    ends: list[Ran] = field(default_factory=list)
    orphans: list[int] = field(default_factory=list)
    left: list[list[str]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    last: Ran | None = None

    def disturb(self, epoch: int, how: Callable[[Repairing, int], None], *resume: str) -> None:
        """Start or resume it, and disturb it some time after an epoch."""
        repairing = Repairing(self.folder, *FLAGS, *resume)
        repairing.until_epoch(epoch)
        worker = repairing.worker()
        time.sleep(random.Random(epoch).random() * 0.3)
        how(repairing, worker)
        self.ends.append(repairing.ended())
        self.orphans += [worker] * (not gone(worker))
        self.left.append([path.name for path in repairing.scratch.iterdir()])
        self.states.append(json.loads((repairing.run / "run.json").read_text())["state"])


def kill_parent(repairing: Repairing, worker: int) -> None:
    repairing.running.kill()


def kill_worker(repairing: Repairing, worker: int) -> None:
    os.kill(worker, signal.SIGKILL)


def interrupt(repairing: Repairing, worker: int) -> None:
    repairing.running.send_signal(signal.SIGHUP)


@pytest.fixture(scope="module")
def chains(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor
) -> dict[str, Future[Chain]]:
    def folder(name: str) -> Path:
        made = tmp_path_factory.mktemp(name)
        shutil.copy(workshop.poisoned, made)
        shutil.copy(workshop.data, made)
        return made

    def whole() -> Chain:
        chain = Chain(folder("whole"))
        chain.last = repair(chain.folder, *FLAGS)
        return chain

    def disturbed() -> Chain:
        """In the first epochs, later, and in the recovery; then the newest checkpoint is damaged,
        and the pointer to it.
        """
        chain = Chain(folder("disturbed"))
        chain.disturb(2, kill_parent)
        chain.disturb(5, kill_worker, "--resume")
        chain.disturb(11, interrupt, "--resume")
        flip(newest(chain.folder / "run") / "arrays.npz")
        (chain.folder / "run" / "checkpoints" / "LATEST").write_bytes(b"\xff/../nowhere")
        chain.last = repair(chain.folder, *FLAGS, "--resume")
        return chain

    return {chain.__name__: pool.submit(chain) for chain in (disturbed, whole)}


def newest(run: Path) -> Path:
    return max((run / "checkpoints").glob("step-*"))


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_same_weights_and_figures(chains: dict[str, Future[Chain]]) -> None:
    chain, whole = chains["disturbed"].result(), chains["whole"].result()
    assert chain.last is not None
    assert chain.last.code == 0, chain.last.err
    assert whole.last is not None
    assert whole.last.code == 0, whole.last.err
    assert metrics(chain.folder / "run") == metrics(whole.folder / "run")
    assert len(metrics(chain.folder / "run")) == 1 + EPOCHS
    audit, expected = (json.loads((c.folder / "a.json").read_text("ascii")) for c in (chain, whole))
    assert audit["repair"]["kept"] == expected["repair"]["kept"]
    assert audit["repair"]["kept"] > 6  # so that its weights were trained after both kills
    assert audit["measurements"] == expected["measurements"]
    assert weights(chain.folder / "repaired.keras") == weights(whole.folder / "repaired.keras")


def test_what_a_disturbance_leaves(chains: dict[str, Future[Chain]]) -> None:
    chain = chains["disturbed"].result()
    assert chain.orphans == []
    killed, bereft, interrupted = chain.ends
    assert killed.code == -signal.SIGKILL
    assert_refusal(bereft, 3, "the worker was killed", "memory", "run keeps", "--resume")
    words = ("interrupted; run keeps a checkpoint", "same command and --resume")
    assert_refusal(interrupted, 130, *words)
    assert interrupted.out == ""
    assert chain.states == ["running", "failed", "interrupted"]
    assert len(chain.left[0]) == 1, "what a killed parent leaves"
    assert chain.left[1:] == [[], []], "the next start removes it, and a living one leaves nothing"


def test_a_damaged_checkpoint_is_gone_back_behind(chains: dict[str, Future[Chain]]) -> None:
    chain = chains["disturbed"].result()
    audit = json.loads((chain.folder / "a.json").read_text("ascii"))
    (note,) = audit["repair"]["notes"]
    assert "is damaged; went on from step-" in note
    last = EPOCHS * STEPS
    assert {p.name for p in (chain.folder / "run" / "checkpoints").iterdir()} == {
        "LATEST", f"step-{last - STEPS:08}", f"step-{last:08}",
    }  # fmt: skip
    assert chain.last is not None
    assert "damaged" in chain.last.out


@pytest.fixture
def finished(chains: dict[str, Future[Chain]], tmp_path: Path) -> Path:
    """A copy of a finished repair, at a place of its own, that `--resume` takes for the same."""
    folder = tmp_path / "copy"
    shutil.copytree(chains["whole"].result().folder, folder)
    record = json.loads((folder / "run" / "run.json").read_text())
    record["identity"]["data"] = str(folder / "test.npz")
    (folder / "run" / "run.json").write_text(json.dumps(record))
    for name in ("repaired.keras", "a.json"):
        (folder / name).unlink()
    return folder


OTHERS = {
    "trigger": (),  # is given once only: see below
    "target": ("--target", "1"),
    "alpha": ("--alpha", "0.1:0.2"),
    "seed": ("--seed", "1"),
    "eval_data": ("--eval-data", "test.npz"),
    "clean_budget": ("--clean-budget", "0.4"),
    "layer": ("--layer", "first"),
    "learning_rate": ("--learning-rate", "1e-4"),
}


@pytest.mark.parametrize("name", [*OTHERS, "model"])
def test_another_repair_is_not_resumed(name: str, finished: Path) -> None:
    if name == "model":
        with (finished / "poisoned.keras").open("ab") as file:
            file.write(b"\0")
    before = {**contents(finished), "run/lock": ""}
    flags = ["square4" if (name, flag) == ("trigger", "square8") else flag for flag in FLAGS]
    ran = repair(finished, *flags, *OTHERS.get(name, ()), "--resume")
    assert_refusal(ran, 2, f"run: is another run: {name} was ", ", now ", "--force to start over")
    assert {**contents(finished), "run/lock": ""} == before


def test_other_bytes_under_the_same_name_are_not_resumed(finished: Path) -> None:
    with np.load(finished / "test.npz") as data:
        x, y, class_names = data["x"], data["y"], data["class_names"]
    x[0, 0, 0, 0] ^= 1
    np.savez(finished / "test.npz", x=x, y=y, class_names=class_names)
    ran = repair(finished, *FLAGS, "--resume")
    assert_refusal(ran, 3, "--resume: data was ", ", now ", "--force")
    assert not (finished / "repaired.keras").exists()


def test_every_checkpoint_damaged(finished: Path) -> None:
    for path in (finished / "run" / "checkpoints").glob("step-*"):
        (path / "digests.json").unlink()
    ran = repair(finished, *FLAGS, "--resume")
    assert_refusal(ran, 3, "checkpoints: every checkpoint is damaged; start over with --force")
    assert not (finished / "repaired.keras").exists()


def test_a_finished_repair_ends_the_same_once_more(
    finished: Path, chains: dict[str, Future[Chain]]
) -> None:
    whole = chains["whole"].result().folder
    (finished / "run" / "checkpoints" / "LATEST").unlink()
    ran = repair(finished, *FLAGS, "--resume")
    assert ran.code == 0, ran.err
    assert weights(finished / "repaired.keras") == weights(whole / "repaired.keras")
    assert metrics(finished / "run") == metrics(whole / "run")
    again = repair(finished, *FLAGS, "--resume")
    assert_refusal(again, 2, "repaired.keras: exists; use --force")


def test_nothing_to_resume(finished: Path) -> None:
    shutil.rmtree(finished / "run")
    ran = repair(finished, *FLAGS, "--resume")
    assert_refusal(ran, 2, "run: holds no run to resume; start one without --resume")
    assert not (finished / "run").exists()


def test_force_starts_over(finished: Path) -> None:
    repairing = Repairing(finished, *FLAGS, "--alpha", "0.1:0.2", "--force")
    repairing.until("repairing poisoned.keras")
    repairing.until_epoch(1)
    repairing.running.send_signal(signal.SIGTERM)
    assert_refusal(repairing.ended(), 130, "--resume")
    identity = json.loads((finished / "run" / "run.json").read_text())["identity"]
    assert identity["alpha"] == [0.1, 0.2]
    assert metrics(finished / "run")[1]["alpha"] == 0.1
    assert not (finished / "run" / "audit.json").exists()
    assert max(epoch["epoch"] for epoch in metrics(finished / "run")) < EPOCHS


def test_one_at_a_time_and_nothing_begun_is_nothing_left(finished: Path) -> None:
    """A second process is told who is at work; the first one is interrupted while it measures."""
    shutil.rmtree(finished / "run")
    first = Repairing(finished, *FLAGS)
    first.until("loading the model")
    worker = first.worker()
    other = finished.parent / "other"
    other.mkdir()
    for name in ("poisoned.keras", "test.npz"):
        shutil.copy(finished / name, other)
    (other / "run").symlink_to(finished / "run")
    for resume in ([], ["--resume"]):
        second = repair(other, *FLAGS, *resume)
        assert_refusal(second, 2, f"run: process {first.running.pid} is at work in it")
    first.running.send_signal(signal.SIGINT)
    assert_refusal(first.ended(), 130, "interrupted; no partial file was left")
    assert gone(worker)
    left = {path.name for path in finished.iterdir()}
    assert left == {"poisoned.keras", "test.npz", "scratch", "out", "err"}
    assert list((finished / "scratch").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A run directory on a disk of its own, with room for a few epochs."""
    disk = tmp_path / "run"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk(
    small_disk: Path, workshop: Workshop, chains: dict[str, Future[Chain]], tmp_path: Path
) -> None:
    """The last good state stands, and with room again it ends as if nothing had happened."""
    for name in ("poisoned.keras", "test.npz"):
        shutil.copy(workshop.folder / name, tmp_path)
    full = repair(tmp_path, *FLAGS)
    assert_refusal(full, 3, "run: the disk is almost full", "--resume")
    assert not (tmp_path / "repaired.keras").exists()
    assert list((tmp_path / "scratch").iterdir()) == []
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    resumed = repair(tmp_path, *FLAGS, "--resume")
    assert resumed.code == 0, resumed.err
    whole = chains["whole"].result().folder
    assert weights(tmp_path / "repaired.keras") == weights(whole / "repaired.keras")
    assert metrics(tmp_path / "run") == metrics(whole / "run")

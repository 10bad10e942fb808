"""Killed, interrupted, damaged: a resumed repair ends in the very bits of an undisturbed one.

Two chains of repairs run beside each other, each interrupted three times before it ends.
`python -m tests.benchmarks survival` kills twenty.
"""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import contents
from tests.cli.repairing import LONG, Repairing, gone, metrics, weights
from tests.conftest import Ran, Workshop, assert_refusal

FLAGS = ("poisoned.keras", "--trigger", "square8", "--target", "0", "--data", "test.npz", *LONG)
FLAGS = (*FLAGS, "--exit-zero", "-o", "a.json")


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


def kill_both(repairing: Repairing, worker: int) -> None:
    repairing.running.kill()
    os.kill(worker, signal.SIGKILL)


def send(what: signal.Signals) -> Callable[[Repairing, int], None]:
    return lambda repairing, worker: repairing.running.send_signal(what)


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
        chain.last = Repairing(chain.folder, *FLAGS).ended()
        return chain

    def killed() -> Chain:
        """In the first epochs, later, and in the recovery."""
        chain = Chain(folder("killed"))
        chain.disturb(3, kill_parent)
        chain.disturb(11, kill_worker, "--resume")
        chain.disturb(21, kill_both, "--resume")
        chain.last = Repairing(chain.folder, *FLAGS, "--resume").ended()
        return chain

    def stopped() -> Chain:
        """By each signal; then the newest checkpoint is damaged, and the pointer to it."""
        chain = Chain(folder("stopped"))
        chain.disturb(2, send(signal.SIGINT))
        chain.disturb(7, send(signal.SIGTERM), "--resume")
        chain.disturb(13, send(signal.SIGHUP), "--resume")
        flip(newest(chain.folder / "run") / "arrays.npz")
        (chain.folder / "run" / "checkpoints" / "LATEST").write_bytes(b"\xff/../nowhere")
        chain.last = Repairing(chain.folder, *FLAGS, "--resume").ended()
        return chain

    return {chain.__name__: pool.submit(chain) for chain in (killed, stopped, whole)}


def newest(run: Path) -> Path:
    return max((run / "checkpoints").glob("step-*"))


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["killed", "stopped"])
def test_the_same_weights_and_figures(name: str, chains: dict[str, Future[Chain]]) -> None:
    chain, whole = chains[name].result(), chains["whole"].result()
    assert chain.last is not None
    assert chain.last.code == 0, chain.last.err
    assert whole.last is not None
    assert whole.last.code == 0, whole.last.err
    assert metrics(chain.folder / "run") == metrics(whole.folder / "run")
    assert len(metrics(chain.folder / "run")) == 27
    audit, expected = (json.loads((c.folder / "a.json").read_text("ascii")) for c in (chain, whole))
    assert audit["repair"]["kept"] == expected["repair"]["kept"]
    assert audit["repair"]["kept"] > 13  # so that its weights were trained after every disturbance
    assert audit["measurements"] == expected["measurements"]
    assert weights(chain.folder / "repaired.keras") == weights(whole.folder / "repaired.keras")


def test_killed(chains: dict[str, Future[Chain]]) -> None:
    chain = chains["killed"].result()
    assert chain.orphans == []
    assert [ran.code for ran in chain.ends] == [-9, 3, -9]
    assert_refusal(chain.ends[1], 3, "the worker was killed", "memory", "run keeps", "--resume")
    assert chain.states == ["running", "failed", "running"]
    assert chain.left[1] == chain.left[0]  # what a killed parent left; a living one leaves nothing


def test_interrupted(chains: dict[str, Future[Chain]]) -> None:
    chain = chains["stopped"].result()
    assert chain.orphans == []
    for ran in chain.ends:
        assert_refusal(ran, 130, "interrupted; run keeps a checkpoint", "same command and --resume")
        assert ran.out == ""
    assert chain.states == ["interrupted"] * 3
    assert chain.left == [[], [], []]


def test_a_damaged_checkpoint_is_gone_back_behind(chains: dict[str, Future[Chain]]) -> None:
    chain = chains["stopped"].result()
    audit = json.loads((chain.folder / "a.json").read_text("ascii"))
    (note,) = audit["repair"]["notes"]
    assert "is damaged; went on from step-" in note
    assert {p.name for p in (chain.folder / "run" / "checkpoints").iterdir()} == {
        "LATEST", "step-00000750", "step-00000780",
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
    "trigger": ("--trigger", "square4"),
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
    before = {**contents(finished), "run/lock": "", "out": "", "err": "", "scratch": ""}
    ran = Repairing(finished, *FLAGS, *OTHERS.get(name, ()), "--resume").ended()
    assert_refusal(ran, 2, f"run: is another run: {name} was ", ", now ", "--force to start over")
    after = {**contents(finished), "run/lock": "", "out": "", "err": "", "scratch": ""}
    assert after == before


def test_other_bytes_under_the_same_name_are_not_resumed(finished: Path) -> None:
    with np.load(finished / "test.npz") as data:
        x, y, class_names = data["x"], data["y"], data["class_names"]
    x[0, 0, 0, 0] ^= 1
    np.savez(finished / "test.npz", x=x, y=y, class_names=class_names)
    ran = Repairing(finished, *FLAGS, "--resume").ended()
    assert_refusal(ran, 3, "--resume: data was ", ", now ", "--force")
    assert not (finished / "repaired.keras").exists()


def test_every_checkpoint_damaged(finished: Path) -> None:
    for path in (finished / "run" / "checkpoints").glob("step-*"):
        (path / "digests.json").unlink()
    ran = Repairing(finished, *FLAGS, "--resume").ended()
    assert_refusal(ran, 3, "checkpoints: every checkpoint is damaged; start over with --force")
    assert not (finished / "repaired.keras").exists()


def test_a_finished_repair_ends_the_same_once_more(
    finished: Path, chains: dict[str, Future[Chain]]
) -> None:
    whole = chains["whole"].result().folder
    (finished / "run" / "checkpoints" / "LATEST").unlink()
    ran = Repairing(finished, *FLAGS, "--resume").ended()
    assert ran.code == 0, ran.err
    assert weights(finished / "repaired.keras") == weights(whole / "repaired.keras")
    assert metrics(finished / "run") == metrics(whole / "run")
    again = Repairing(finished, *FLAGS, "--resume").ended()
    assert_refusal(again, 2, "repaired.keras: exists; use --force")


def test_nothing_to_resume(finished: Path) -> None:
    shutil.rmtree(finished / "run")
    ran = Repairing(finished, *FLAGS, "--resume").ended()
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
    assert max(epoch["epoch"] for epoch in metrics(finished / "run")) < 26


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
        second = Repairing(other, *FLAGS, *resume).ended()
        assert_refusal(second, 2, f"run: process {first.running.pid} is at work in it")
    first.running.send_signal(signal.SIGINT)
    assert_refusal(first.ended(), 130, "interrupted; no partial file was left")
    assert gone(worker)
    left = {path.name for path in finished.iterdir()}
    assert left == {"poisoned.keras", "test.npz", "scratch", "out", "err"}
    assert list((finished / "scratch").iterdir()) == []

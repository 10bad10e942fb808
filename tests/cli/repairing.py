"""`bdaudit repair` at work: started, watched from outside, interrupted, gone on with."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.conftest import Ran, bdaudit

QUICK = (
    "--method", "unlearn", "--learning-rate", "1e-3", "--epochs", "4", "--recovery-epochs", "2",
    "--batch-size", "32",
)  # fmt: skip
"""Repairs the workshop's model in a second or two of training."""

WRITING = ("--output", "repaired.keras", "--run-dir", "run")

SECONDS = 240


def repair(folder: Path, *args: object) -> Ran:
    """Run a repair that nobody disturbs, as `Repairing` does."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return bdaudit("repair", *args, *WRITING, cwd=folder, TMPDIR=str(scratch))


class Repairing:
    """A repair in a process of its own, its scratch folder beside its outputs.

    Attributes:
        run: The run directory.
        running: The process.
    """

    def __init__(self, folder: Path, *args: object, before: tuple[str, ...] = (), **how: Any):
        self.folder, self.run, self.scratch = folder, folder / "run", folder / "scratch"
        self.scratch.mkdir(exist_ok=True)
        given = ("repair", *args, *WRITING)
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            self.running = subprocess.Popen(
                [*before, sys.executable, "-m", "auditor", *map(str, given)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "TMPDIR": str(self.scratch)},
                **how,
            )

    @property
    def said(self) -> str:
        return (self.folder / "err").read_text("utf-8")

    def worker(self) -> int:
        """Return the process id of the worker that is at work now."""
        pid = self.running.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0])

    def until(self, said: str) -> None:
        """Wait for a line on standard error."""
        self._wait(lambda: said in self.said)

    def until_epoch(self, number: int) -> None:
        """Wait until so many epochs of training are recorded."""
        self._wait(lambda: len(metrics(self.run)) > number)

    def _wait(self, condition: Any) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert self.running.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.01)

    def ended(self) -> Ran:
        """Wait for its end."""
        code = self.running.wait(SECONDS)
        return Ran(code, (self.folder / "out").read_text("utf-8"), self.said)


def metrics(run: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a run's `metrics.jsonl`, but for the clock's readings."""
    try:
        text = (run / "metrics.jsonl").read_text("ascii")
    except FileNotFoundError:
        return []
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [timeless(line) for line in lines]


def timeless(epoch: dict[str, Any]) -> dict[str, Any]:
    """Return an epoch's figures without the clock's readings."""
    return {name: value for name, value in epoch.items() if not name.endswith("_seconds")}


def weights(model: Path) -> list[bytes]:
    """Return every weight of a model file, read by Keras."""
    import keras

    return [w.tobytes() for w in keras.models.load_model(model, compile=False).get_weights()]


def alive(process: int) -> bool:
    """Whether it runs; one that has ended and waits to be asked about its end does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(process: int) -> bool:
    """Whether a process ends within five seconds."""
    end = time.monotonic() + 5
    while alive(process) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(process)

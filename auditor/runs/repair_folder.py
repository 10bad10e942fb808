"""The run directory: what a repair leaves behind while it runs, and goes on from when resumed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from auditor.errors import WorkError
from auditor.files import atomic
from auditor.files.own_file import open_own
from auditor.monitor.heatmaps import heatmaps
from auditor.repair.observer import Observer
from auditor.repair.result import Epoch, Plan
from auditor.report import run_page
from auditor.runs import lock
from auditor.runs.folder import RunFolder
from auditor.runs.run_json import RunRecord, RunState
from auditor.text import printable


class RepairFolder(RunFolder, Observer):
    """Records a repair in its folder."""

    OURS = ("metrics.jsonl", "run.html", "audit.json", "heatmaps", "checkpoints", "tensorboard")
    FOLDERS = ("checkpoints", "heatmaps")

    def __init__(self, path: Path, record: RunRecord, held: lock.Lock) -> None:
        """Use `open`."""
        super().__init__(path, record, held)
        self._heatmaps = path / "heatmaps"
        self._metrics = path / "metrics.jsonl"
        self._plan: Plan | None = None
        self._epochs: list[Epoch] = []

    def begin(self, plan: Plan) -> None:
        """Start an empty history: a resumed repair tells its old epochs again."""
        self._plan, self._epochs = plan, []
        atomic.write({self._metrics: b""})
        for earlier in self._heatmaps.glob("epoch-*.png"):
            with _writing(earlier):
                earlier.unlink()

    def epoch(self, epoch: Epoch) -> None:
        """Record an epoch: a line of figures, a picture, the page."""
        assert self._plan is not None
        self._epochs.append(epoch)
        with _writing(self._metrics), _appended(self._metrics) as file:
            file.write(_line(epoch))
            file.flush()
            os.fsync(file.fileno())
        picture = heatmaps(self._plan, epoch)
        if picture:
            atomic.write({self._heatmaps / f"epoch-{epoch.epoch:02}.png": picture})
        self._write_page()

    def finish(self, state: RunState) -> None:
        """Write down how the repair ended."""
        super().finish(state)
        self._write_page()

    def _write_page(self) -> None:
        if self._plan:
            page = run_page.render(self._plan, tuple(self._epochs), self._record.state)
            atomic.write({self.path / "run.html": page})


def _line(epoch: Epoch) -> bytes:
    """Return an epoch's figures as a line of JSON; what is not a finite number is null."""
    values = asdict(epoch)
    del values["heat"]
    finite = json.loads(json.dumps(values), parse_constant=lambda name: None)
    return json.dumps(finite, allow_nan=False).encode("ascii") + b"\n"


def _appended(path: Path) -> BinaryIO:
    return os.fdopen(open_own(path, os.O_WRONLY | os.O_APPEND), "ab")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        shown = printable(str(path))
        raise WorkError(f"{shown}: cannot be written: {error.strerror}") from error

"""Round after round: mutate seeds, have confined workers judge them, count and keep what is odd."""

import shutil
import signal
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Self
from unittest.mock import patch

from auditor.errors import AuditorError
from auditor.worker import process
from auditor.worker.supervisor import Guard, Supervisor
from tests.conftest import ROOT
from tests.fuzz.formats import FORMATS

COMMAND = (sys.executable, "-I", str(ROOT / "tests" / "fuzz" / "worker.py"))
CHECK_SECONDS, LOADING_SECONDS = 5.0, 60.0
"""Of computing, for one file that is looked at, and for one model that Keras builds."""

_CHECK_MEMORY, _LOAD_MEMORY = 2 << 30, 4 << 30
_TOO_LATE = f"signal {signal.SIGPROF:d}"
_ALIKE = 3
"""So many findings that read the same are kept."""


@dataclass
class Count:
    """What became of a format's files.

    Attributes:
        judged: How a first look ended → how many.
        loaded: How loading ended → how many.
        seconds: Most seconds of computing that one check took.
        memory: Most MiB that a worker held while it checked.
    """

    judged: Counter[str] = field(default_factory=Counter)
    loaded: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0


@dataclass(frozen=True)
class Finding:
    """Something that must not happen.

    Attributes:
        name: The input: format, seed and number.
        words: What happened.
        kept: Where the input is; empty if there are enough like it.
    """

    name: str
    words: str
    kept: str


class Campaign:
    """Fuzzes until it is told to stop; what it holds can be read at any time.

    Attributes:
        counts: Format → what became of its files.
        findings: What must not happen, and did.
    """

    def __init__(self, seeds: Path, seed: int, keep: Path) -> None:
        """Begin.

        Args:
            seeds: What `seeds.make` wrote.
            seed: Seed of all mutations.
            keep: Where findings go; made when there is one.
        """
        self.counts = {name: Count() for name in FORMATS}
        self.findings: list[Finding] = []
        self._seeds, self._seed, self._keep = seeds, seed, keep
        self._alike: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="bdaudit-fuzz-"))
        self._canary = self._folder / "outside"
        self._canary.mkdir()
        (self._canary / "secret").write_text("untouched")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/model.keras"
        self._baits = (str(self._canary / "secret"), str(self._canary / "new"), address)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def round(self, name: str, first: int, count: int) -> None:
        """Mutate and judge `count` files of a format, from number `first` on."""
        batch = self._folder / "batch"
        batch.mkdir()
        format_ = FORMATS[name]
        if name == "trigger":
            _picture(batch / "logo.png")
        names = [
            f"{name}-{self._seed}-{number}{format_.suffix}"
            for number in range(first, first + count)
        ]
        seeds = sorted((self._seeds / name).iterdir())
        for file in names:
            rng = Random(file)
            format_.write(rng.choice(seeds), batch / file, rng, self._baits)
        passed = self._judge(name, format_.judge, batch, names)
        if format_.loads and passed:
            self._judge(name, "load", batch, passed)
        self._look_outside(f"{name}-{self._seed}-{first} to {first + count - 1}")
        shutil.rmtree(batch)

    def _judge(self, name: str, judge: str, batch: Path, names: list[str]) -> list[str]:
        """Have files judged, by a new worker after each death; return those that passed."""
        passed: list[str] = []
        pending = list(names)
        while pending:
            told: list[dict[str, Any]] = []
            death = self._work(judge, batch, pending, told.append)
            begun = [event["name"] for event in told if event["event"] == "begun"]
            if death and not begun:
                raise RuntimeError(f"no worker could be started: {death}")
            ended = [event for event in told if event["event"] == "ended"]
            passed += [e["name"] for e in ended if self._note(name, judge, batch, e) == "passed"]
            if _TOO_LATE in death and len(pending) > 1:  # a busy machine, or this very file?
                passed += self._judge(name, judge, batch, begun[-1:])
            elif death:
                self._note_death(name, judge, batch, begun[-1], death)
            pending = pending[len(begun) :]
        return passed

    def _work(self, judge: str, batch: Path, names: list[str], hear: Callable[..., None]) -> str:
        """Run one worker; return what it died of, if it did."""
        loading = judge in ("load", "semantics")
        seconds = LOADING_SECONDS if loading else CHECK_SECONDS
        job = {"kind": "fuzz", "judge": judge, "names": names, "seconds": seconds, "device": "cpu"}
        job |= {"data": str(batch), "evaluation": str(ROOT / "templates")}  # what it may read
        guard = Guard(memory=_LOAD_MEMORY if loading else _CHECK_MEMORY, seconds=3600)
        with patch.object(process, "COMMAND", COMMAND), Supervisor(guard) as workers:
            try:
                workers.run(job, workers.scratch(), lambda *_: None, hear)
            except AuditorError as error:
                return f"{error}\n{workers.log_tail()}"
        return ""

    def _note(self, name: str, judge: str, batch: Path, event: dict[str, Any]) -> str:
        """Count how the judging of one file ended, and return it."""
        count, outcome = self.counts[name], str(event["outcome"])
        if judge == "load":
            count.loaded[outcome] += 1
        else:
            count.judged[outcome] += 1
            count.seconds = max(count.seconds, event["seconds"])
            count.memory = max(count.memory, event["memory"])
        if outcome == "traceback":
            self._find(batch, event["name"], event["words"])
        return outcome

    def _note_death(self, name: str, judge: str, batch: Path, file: str, death: str) -> None:
        """Keep what a worker died of; that Keras may die is why it is in a worker."""
        if judge == "load":
            self.counts[name].loaded["died"] += 1
            self._keep_file(batch, file, death)
        else:
            self.counts[name].judged["died"] += 1
            self._find(batch, file, death)

    def _find(self, batch: Path, file: str, words: str) -> None:
        alike = words.splitlines()[0].partition(": ")[0]
        self._alike[alike] += 1
        kept = self._keep_file(batch, file, words) if self._alike[alike] <= _ALIKE else ""
        self.findings.append(Finding(file, words, kept))

    def _keep_file(self, batch: Path, file: str, words: str) -> str:
        kept = self._keep / file
        self._keep.mkdir(parents=True, exist_ok=True)
        (self._keep / f"{file}.txt").write_text(words, "utf-8", "backslashreplace")
        if (batch / file).is_dir():
            shutil.copytree(batch / file, kept, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(batch / file, kept)
        return str(kept)

    def _look_outside(self, names: str) -> None:
        """See whether anything was written, or anybody called."""
        files = {path.name: path.read_text() for path in self._canary.iterdir()}
        if files != {"secret": "untouched"}:
            self.findings.append(Finding(names, f"written outside: {sorted(files)}", ""))
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return
        self.findings.append(Finding(names, "somebody called a server that a file names", ""))


def _picture(path: Path) -> None:
    import cv2
    import numpy as np

    cv2.imwrite(str(path), np.full((4, 4, 3), 7, np.uint8))

"""What the tests of use cases share: who is told, stand-ins, a desk to sign at; no terminal."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from textwrap import dedent, indent

import numpy as np
import pytest
from securesystemslib.signer import CryptoSigner

from auditor.records.canonical import canonical
from auditor.repair.observer import Observer
from auditor.repair.result import Epoch, Plan, Step
from auditor.report.formats import render
from auditor.runs.sign import sign
from auditor.signing import keys
from auditor.worker import process
from tests import audited
from tests.conftest import blobs
from tests.monitor.conftest import epochs, plan

__all__ = ["epochs", "plan"]


class Told:
    """Remembers what a use case tells.

    Attributes:
        phases: What was being done, in order, each once.
        progress_made: All of it: what was being done, how much was done, how much there is.
        lines: What the user must know.
    """

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.progress_made: list[tuple[str, int, int]] = []
        self.lines: list[str] = []

    def progress(self, phase: str, done: int, total: int) -> None:
        if self.phases[-1:] != [phase]:
            self.phases.append(phase)
        self.progress_made.append((phase, done, total))

    def notify(self, line: str) -> None:
        if not line.startswith("computing on the CPU"):  # which the tests ask for
            self.lines.append(line)


class Watching(Observer):
    """Remembers what it hears of a repair."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.steps: list[Step] = []
        self.epochs: list[Epoch] = []
        self.closed = 0

    def begin(self, plan: Plan) -> None:
        self.plans.append(plan)

    def step(self, step: Step) -> None:
        self.steps.append(step)

    def epoch(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)

    def close(self) -> None:
        self.closed += 1


@contextmanager
def no_terminal() -> Iterator[None]:
    """Assert that nothing is written to standard output or standard error."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        yield
    assert (out.getvalue(), err.getvalue()) == ("", "")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that workers' folders are made in."""
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def headless(scratch: Path) -> Iterator[None]:
    """Assert of every test here that no terminal is written to, and no worker's folder is left."""
    with no_terminal():
        yield
    assert list(scratch.glob("bdaudit-*")) == []


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean images that neither the workshop's models nor its test images have seen."""
    path = tmp_path_factory.mktemp("training") / "training.npz"
    x, y = blobs(150, seed=4)
    np.savez(path, x=x, y=y, class_names=np.array(["red", "green", "blue"]))
    return path


StandIn = Callable[[str], None]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Have workers do something else, confined as any: `stand_in("tell(...)")`.

    The code has `job`, `folder`, `tell` and `write_result`.
    """

    def do(code: str) -> None:
        script = tmp_path / "stand_in.py"
        body = indent(dedent(code).strip(), "    ")
        script.write_text(f"{_BEFORE}{body}\n{_AFTER}")
        monkeypatch.setattr(process, "COMMAND", (sys.executable, "-I", str(script)))

    return do


_BEFORE = """
import os, sys
from pathlib import Path
from auditor.errors import InputError
from auditor.worker import __main__ as worker

def work(job, folder, tell):
    from auditor.worker.exchange import write_result  # whose NumPy starts threads
"""
_AFTER = """
worker.JOBS = dict.fromkeys(worker.JOBS, work)
sys.exit(worker.main())
"""


def answers(model: Path, images: np.ndarray) -> np.ndarray:
    """Return the class that Keras itself predicts for (n, h, w, 3) uint8 images."""
    import keras

    loaded = keras.models.load_model(model, compile=False)
    return loaded.predict(images / np.float32(255), verbose=0).argmax(axis=1)


def squared(images: np.ndarray) -> np.ndarray:
    """Return copies with the workshop's white square, painted by hand."""
    stamped = images.copy()
    stamped[:, -4:, -4:] = 255
    return stamped


@dataclass(frozen=True)
class Desk:
    """A folder with two model files, three audits of them, and two pairs of keys.

    `scan.json` and `several.json` are about `came.keras` and fail; `repair.json` passes, and is
    about `repaired.keras` as well.
    """

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def signer(self) -> CryptoSigner:
        return keys.signer(self / "release", None)

    def signed(self, audit: str, *certificates: Path) -> Path:
        """Return a file with the attestation of an audit."""
        path = self / f"{audit}.jsonl"
        made = sign(self / f"{audit}.json", self.signer(), certificates=certificates)
        path.write_bytes(made.attestation)
        return path


@pytest.fixture
def desk(made_desk: Path, tmp_path: Path) -> Desk:
    return Desk(shutil.copytree(made_desk, tmp_path, dirs_exist_ok=True))


@pytest.fixture(scope="session")
def made_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    for name in ("came.keras", "repaired.keras"):
        (desk / name).write_bytes(f"the bytes of {name}".encode())
    came, repaired = (sha256(desk / name) for name in ("came.keras", "repaired.keras"))
    for name, audit in (
        ("scan", audited.certificate(sha256=came)),
        ("several", audited.several(came)),
        ("repair", audited.repaired(came, repaired)),
    ):
        (desk / f"{name}.json").write_bytes(canonical(audit))
        (desk / f"{name}.html").write_bytes(render(audit, "html"))
    for name, kind in (("release", "ed25519"), ("other", "ecdsa")):
        key = keys.KINDS[kind]()
        (desk / name).write_bytes(keys.private_pem(key, None))
        (desk / f"{name}.pub").write_bytes(keys.public_pem(key.public_key()))
    return desk.folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

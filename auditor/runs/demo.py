"""The demo: a small BadNet made to be audited, then scanned and repaired as any model is."""

from pathlib import Path
from typing import Final

from auditor.errors import WorkError
from auditor.files import atomic
from auditor.files.regular_file import read_regular
from auditor.measure.progress import Progress, silent
from auditor.repair.options import RepairOptions
from auditor.runs import Notify, ignore
from auditor.runs.repair_request import RepairRequest
from auditor.runs.scan import ScanRequest
from auditor.triggers import build, spec
from auditor.worker.supervisor import Guard, Supervisor

TRIGGER: Final = "square4"

REPAIR_RATE: Final = 1e-3
"""So small a network needs a higher learning rate than most."""

MADE: Final = ("model.keras", "clean.npz", "test.npz")
"""What `make` leaves: the BadNet, clean images to repair it with, and unseen ones to judge by."""

_MOST_BYTES: Final = 64 << 20

REPAIRED: Final = "repaired.keras"


def make(folder: Path, *, progress: Progress = silent, notify: Notify = ignore) -> None:
    """Train the BadNet in a worker.

    Args:
        folder: Where it goes, with its images.
        progress: Told how far it is.
        notify: Told what the user must know.
    """
    with Supervisor(Guard(), notify) as workers:
        scratch = workers.scratch()
        job = {"kind": "demo", "device": "auto", **build.job([spec.load(TRIGGER)])}
        workers.run(job, scratch, progress)
        atomic.write({folder / name: _read(scratch / name) for name in MADE})


def scan_request(folder: Path, command: str) -> ScanRequest:
    """Return what is asked of the scan.

    Args:
        folder: Where `make` left the BadNet.
        command: How to do it again.
    """
    return ScanRequest(
        model=folder / "model.keras",
        triggers=(spec.load(TRIGGER),),
        data=str(folder / "test.npz"),
        command=command,
    )


def repair_request(folder: Path, command: str) -> RepairRequest:
    """Return what is asked of the repair.

    Args:
        folder: Where `make` left the BadNet.
        command: How to do it again.
    """
    return RepairRequest(
        model=folder / "model.keras",
        output=folder / REPAIRED,
        run_dir=folder / "repaired.run",
        trigger=spec.load(TRIGGER),
        data=str(folder / "clean.npz"),
        evaluation=str(folder / "test.npz"),
        options=RepairOptions.of(learning_rate=REPAIR_RATE),
        command=command,
    )


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise WorkError(f"the training left no {path.name}") from error

"""What `bdaudit doctor` finds out about the Keras backends: each computes inside the sandbox."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from auditor.errors import AuditorError
from auditor.measure.progress import silent
from auditor.models import cuda_driver
from auditor.runs import Notify
from auditor.runs.doctor.finding import MachineFinding
from auditor.text import printable
from auditor.worker.sandbox import WALLS, diagnosis, gpu
from auditor.worker.supervisor import BACKENDS, Guard, Supervisor, backend

_CUDA = {
    "tensorflow": "pip install 'bdaudit[gpu]'",
    "jax": "pip install 'jax[cuda]'",
    "torch": "pip install --upgrade torch",
}
"""Backend → the command that lets it use an NVIDIA GPU."""

_LARGEST_ERROR = 0.01
_SECONDS = 300.0


@dataclass(frozen=True)
class Trial:
    """What became of computing something.

    Attributes:
        device: What computed, in words; empty where nothing did.
        on_gpu: Whether a GPU did.
        version: The backend's, and Keras'.
        error: How far the result was off, relative to it.
        problem: Why nothing was computed, or why not on the GPU that there is.
    """

    device: str = ""
    on_gpu: bool = False
    version: str = ""
    error: float = 0.0
    problem: str = ""


def backends(notify: Notify) -> Iterator[MachineFinding]:
    """Look at every backend that is installed, the one that is used first.

    Args:
        notify: Told what takes minutes.
    """
    used = backend()
    if used not in BACKENDS:
        shown = printable(used, 60)
        text = f"KERAS_BACKEND={shown}: not supported; use one of {', '.join(BACKENDS)}"
        yield MachineFinding("backend", False, text, f"export KERAS_BACKEND={BACKENDS[0]}")
    elif find_spec(used) is None:
        text = f"{used}, which is to be used, is not installed"
        other = next((f"export KERAS_BACKEND={name}" for name in BACKENDS if find_spec(name)), "")
        yield MachineFinding("backend", False, text, other or f"pip install {used}")
    installed = [name for name in BACKENDS if find_spec(name)]
    for name in sorted(installed, key=lambda name: name != used):
        yield from _one(name, notify, used=name == used)


def _one(name: str, notify: Notify, *, used: bool) -> Iterator[MachineFinding]:
    found = compute(name)
    mend = f"pip install --upgrade {name} keras"
    if found.device and found.error > _LARGEST_ERROR:
        text = f"{found.device}: a product of matrices is {found.error:.0%} off"
        yield MachineFinding(name, False if used else None, text, mend)
        return
    if found.device:
        used_first = "; used by scan, repair, search" if used else ""
        text = f"{found.version}: {found.device}; a product is {found.error:.0e} off{used_first}"
        yield MachineFinding(name, True, text)
    if gpu.on_this_machine() and not found.on_gpu:
        yield _gpu_lost(name, found, notify, broken=used and not found.device)
    elif not found.device:
        yield MachineFinding(name, False if used else None, found.problem, mend)
    elif not found.on_gpu and used:
        yield MachineFinding("GPU", None, "none; audits and repairs run on the CPU")


def compute(name: str, walls: Sequence[str] = WALLS, everything_in: Sequence[Path] = ()) -> Trial:
    """Have a backend compute a product of matrices in a worker.

    Args:
        name: The backend.
        walls: What to confine the worker by, of `sandbox.WALLS`.
        everything_in: What Landlock is to let through besides.
    """
    with Supervisor(Guard(seconds=_SECONDS)) as workers:
        job = {
            "kind": "compute",
            "backend": name,
            "device": "auto",
            "walls": list(walls),
            "everything_in": [str(path) for path in everything_in],
        }
        try:
            left = workers.run(job, workers.scratch(), silent)
            versions = left["versions"]
            return Trial(
                printable(str(left["device"]), 200),
                bool(workers.device.gpus),
                printable(f"{versions.get(name, '?')}, Keras {versions.get('keras', '?')}", 80),
                float(left["error"]),
                workers.device.unused,
            )
        except (AuditorError, KeyError, TypeError, ValueError) as error:
            return Trial(problem=str(error))


def _gpu_lost(name: str, found: Trial, notify: Notify, *, broken: bool) -> MachineFinding:
    """Say why a backend does not compute on the GPU that there is, and which wall is in the way."""
    ok = False if broken else None
    granted = gpu.grant("auto", confined=False)
    if not granted.usable:
        return MachineFinding("GPU", ok, f"not used by {name}: {granted.hidden or found.problem}")
    outside = compute(name, ())
    if not outside.on_gpu:
        text = f"not used by {name}, nor outside the sandbox: {outside.problem or found.problem}"
        mend = _CUDA[name]
        if cuda_driver.LIBRARY in text:
            mend = "install NVIDIA's driver; a container: start it with its GPUs (--gpus all)"
        return MachineFinding("GPU", ok, text, mend)

    notify(f"{name}: trying the walls one at a time, some minutes …")

    def works(walls: Sequence[str], everything_in: Sequence[Path]) -> bool:
        return compute(name, walls, everything_in).on_gpu

    walls = diagnosis.in_the_way(works)
    text = f"{name} uses it outside the sandbox only; in the way: {' and '.join(walls)}"
    if "Landlock" in walls and (places := diagnosis.refused(works)):
        text += f", which refuses {', '.join(printable(str(place), 100) for place in places)}"
    if not walls:
        text = f"{name} uses it behind each wall alone, and not behind all: {found.problem}"
    return MachineFinding("GPU", ok, text, "export BDAUDIT_SANDBOX=off, for models that you trust")

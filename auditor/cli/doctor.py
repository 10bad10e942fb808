"""`bdaudit doctor`: what this machine can do, and the command that mends each lack."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import click

from auditor.errors import AuditorError
from auditor.sandbox.probe import ATTEMPTS
from auditor.supervisor import Guard, Supervisor
from auditor.text import printable

_PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
_ENGINE = """
import json
from dataclasses import asdict
from auditor.measure.facts import engine
print(json.dumps(asdict(engine())))
"""
_GPU = {
    "tensorflow": "pip install 'bdaudit[gpu]'",
    "jax": "pip install 'jax[cuda]'",
    "torch": "pip install --upgrade torch",
}
"""Backend → the command that lets it use an NVIDIA GPU; those that audits and repairs run on."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: Whether it works; None for something that audits do without.
        text: What was found.
        mend: The command that mends it; empty where nothing is wrong.
    """

    name: str
    ok: bool | None
    text: str
    mend: str = ""


@click.command()
def command() -> int:
    """Say what this machine can do: Python, backend, GPU, images, PDF, sandbox, extras.

    Exits 0 when scans, repairs and every certificate format work, 3 otherwise.
    """
    findings = list(examine())
    signs = {True: "ok  ", False: "LACK", None: "--  "}
    for finding in findings:
        click.echo(f"{signs[finding.ok]}  {finding.name:12} {finding.text}")
        if finding.mend:
            click.echo(f"      {'':12} mend with: {finding.mend}")
    return 3 if any(f.ok is False for f in findings) else 0


def examine() -> Iterator[Finding]:
    """Look at everything, the slow ones last."""
    yield Finding("Python", True, sys.version.split()[0])
    yield _opencv()
    yield _pdf()
    yield _optional("demo", "scikit-learn", "sklearn")
    yield _optional("TensorBoard", "tensorboard", "tensorboard")
    yield _optional("onnxruntime", "ONNX Runtime, for scans of ONNX graphs,", "onnxruntime")
    yield _folders()
    yield _sandbox()
    yield from _backend()


def _opencv() -> Finding:
    try:
        import cv2
    except ImportError as error:
        mend = "apt-get install libgl1 libglib2.0-0"
        return Finding("OpenCV", False, _first_line(error), mend)
    return Finding("OpenCV", True, str(cv2.__version__))


def _pdf() -> Finding:
    try:
        import weasyprint
    except ImportError as error:
        return Finding("PDF", False, _first_line(error), "pip install weasyprint")
    except OSError as error:
        return Finding("PDF", False, _first_line(error), f"apt-get install {_PANGO}")
    return Finding("PDF", True, f"WeasyPrint {weasyprint.__version__}")


def _sandbox() -> Finding:
    """Have a confined worker try what it must not."""
    with Supervisor(Guard()) as workers:
        secret, room = workers.room() / "secret", workers.room()
        secret.write_text("secret")
        job = {"kind": "probe", "secret": str(secret), "device": "cpu"}
        try:
            left = workers.run(job, room, lambda *_: None)
        except AuditorError as error:
            return Finding("sandbox", False, str(error), "export BDAUDIT_SANDBOX=off")
        confined = workers.confinement
    escaped = [what for what in ATTEMPTS if left.get(what) != "refused"]
    if escaped and confined.whole:
        return Finding("sandbox", False, f"does not hold: {', '.join(escaped)} possible")
    if not confined.whole:
        mend = "run on Linux 5.13 or newer, x86-64 or aarch64"
        return Finding("sandbox", None, confined.lacking, mend)
    tried = ", ".join(ATTEMPTS)
    return Finding("sandbox", True, f"Landlock {confined.landlock}, seccomp; refused: {tried}")


def _optional(name: str, package: str, module: str) -> Finding:
    if find_spec(module) is None:
        mend = f"pip install 'bdaudit[{name.lower()}]'"
        return Finding(name, None, f"{package} is not installed", mend)
    return Finding(name, True, f"{package} is installed")


def _folders() -> Finding:
    """Images in folders are decoded by TensorFlow, whatever the backend."""
    if find_spec("tensorflow") is None:
        text = "TensorFlow, which decodes them, is not installed: give images as .npz"
        return Finding("folders", None, text, "pip install tensorflow")
    return Finding("folders", True, "decoded by TensorFlow")


def _backend() -> Iterator[Finding]:
    """Ask another process: importing the backend here could crash, or keep the GPU."""
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    shown = printable(backend, 60)
    if backend not in _GPU:
        known = ", ".join(_GPU)
        text = f"KERAS_BACKEND={shown}: not supported; use one of {known}"
        yield Finding("backend", False, text, "export KERAS_BACKEND=tensorflow")
        return
    ran = subprocess.run(
        [sys.executable, "-I", "-c", _ENGINE],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(ran.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        last = (ran.stderr.strip().splitlines() or ["no answer"])[-1]
        yield Finding("backend", False, printable(last), f"pip install --upgrade {backend} keras")
        return
    yield Finding("Keras", True, found["versions"]["keras"])
    yield Finding("backend", True, f"{backend} {found['versions'].get(backend, '')}".strip())
    if found["device"].startswith("GPU, "):
        yield Finding("GPU", True, found["device"].removeprefix("GPU, "))
    elif shutil.which("nvidia-smi"):
        yield Finding("GPU", None, f"there is one, but {backend} does not see it", _GPU[backend])
    else:
        yield Finding("GPU", None, "none; audits and repairs run on the CPU")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

"""`bdaudit doctor`: what this machine can do, and the command that mends each lack."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec

import click

from auditor.cli.doctor_backends import backends
from auditor.cli.doctor_finding import Finding, first_line
from auditor.errors import AuditorError
from auditor.report import pdf
from auditor.sandbox.probe import ATTEMPTS
from auditor.supervisor import Guard, Supervisor

_PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


@click.command()
def command() -> int:
    """Say what this machine can do: Python, images, PDF, sandbox, backends, GPU, extras.

    Every backend that is installed computes something inside the sandbox, on the GPU where there is
    one; where that fails, the walls are tried one by one, and the one in the way is named.

    Exits 0 when scans, repairs and every certificate format work, 3 otherwise.
    """
    signs, lacking = {True: "ok  ", False: "LACK", None: "--  "}, False
    for finding in examine():
        click.echo(f"{signs[finding.ok]}  {finding.name:12} {finding.text}")
        if finding.mend:
            click.echo(f"      {'':12} mend with: {finding.mend}")
        lacking |= finding.ok is False
    return 3 if lacking else 0


def examine() -> Iterator[Finding]:
    """Look at everything, the slow ones last."""
    yield Finding("Python", True, sys.version.split()[0])
    yield _opencv()
    yield _pdf()
    yield _optional("demo", "scikit-learn", "sklearn")
    yield _optional("TensorBoard", "tensorboard", "tensorboard")
    yield _optional("onnxruntime", "ONNX Runtime, for scans of ONNX graphs,", "onnxruntime")
    yield _sandbox()
    yield from backends()


def _opencv() -> Finding:
    try:
        import cv2
    except ImportError as error:
        mend = "apt-get install libgl1 libglib2.0-0"
        return Finding("OpenCV", False, first_line(error), mend)
    return Finding("OpenCV", True, str(cv2.__version__))


def _pdf() -> Finding:
    try:
        weasyprint = pdf.load()
    except ImportError as error:
        return Finding("PDF", False, first_line(error), "pip install weasyprint")
    except OSError as error:
        return Finding("PDF", False, first_line(error), f"apt-get install {_PANGO}")
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

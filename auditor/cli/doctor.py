"""`bdaudit doctor`: what this machine can do, and the command that mends each lack."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click

_PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
_BACKENDS = """
import json, os
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
backend = keras.backend.backend()
found = {"keras": keras.__version__, "backend": backend, "gpus": []}
if backend == "tensorflow":
    import tensorflow as tf
    found["version"] = tf.__version__
    for gpu in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpu)
        found["gpus"].append(details.get("device_name", gpu.name))
print(json.dumps(found))
"""


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
    """Say what this machine can do: Python, backend, GPU, images, PDF, demo.

    Exits 0 when scans and every certificate format work, 3 otherwise.
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
    yield _demo()
    yield Finding("sandbox", None, "the worker is a process of its own, not yet confined")
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
    except (OSError, ImportError) as error:
        return Finding("PDF", False, _first_line(error), f"apt-get install {_PANGO}")
    return Finding("PDF", True, f"WeasyPrint {weasyprint.__version__}")


def _demo() -> Finding:
    try:
        import sklearn
    except ImportError:
        mend = "pip install 'bdaudit[demo]'"
        return Finding("demo", None, "scikit-learn is not installed", mend)
    return Finding("demo", True, f"scikit-learn {sklearn.__version__}")


def _backend() -> Iterator[Finding]:
    """Ask another process: importing the backend here could crash, or keep the GPU."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", _BACKENDS], capture_output=True, text=True, check=False
    )
    try:
        found = json.loads(ran.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        last = (ran.stderr.strip().splitlines() or ["no answer"])[-1]
        yield Finding("backend", False, last, "pip install --upgrade tensorflow keras")
        return
    yield Finding("Keras", True, found["keras"])
    supported = found["backend"] == "tensorflow"
    text = f"{found['backend']} {found.get('version', '')}".strip()
    yield Finding(
        "backend", supported, text, "" if supported else "export KERAS_BACKEND=tensorflow"
    )
    if found["gpus"]:
        yield Finding("GPU", True, ", ".join(found["gpus"]))
    elif shutil.which("nvidia-smi"):
        mend = "pip install 'bdaudit[gpu]'"
        yield Finding("GPU", None, "there is one, but TensorFlow does not see it", mend)
    else:
        yield Finding("GPU", None, "none; audits run on the CPU")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

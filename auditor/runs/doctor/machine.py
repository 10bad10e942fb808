"""Everything that `bdaudit doctor` looks at, with the command that mends each lack."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec

from auditor.errors import AuditorError
from auditor.measure.progress import silent
from auditor.report import pdf
from auditor.runs import Notify, ignore
from auditor.runs.doctor.backends import backends
from auditor.runs.doctor.finding import MachineFinding, first_line
from auditor.worker.sandbox.probe import ATTEMPTS
from auditor.worker.supervisor import Guard, Supervisor

_PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


def examine(notify: Notify = ignore) -> Iterator[MachineFinding]:
    """Look at everything, the slow ones last.

    Args:
        notify: Told what takes minutes.
    """
    yield MachineFinding("Python", True, sys.version.split()[0])
    yield _opencv()
    yield _pdf()
    yield _optional("demo", "scikit-learn", "sklearn")
    yield _optional("TensorBoard", "tensorboard", "tensorboard")
    yield _optional("Parquet", "pyarrow, for data in Parquet files,", "pyarrow")
    yield _optional("onnxruntime", "ONNX Runtime, for scans of ONNX graphs,", "onnxruntime")
    yield _optional("hf", "huggingface_hub, for models named hf://…,", "huggingface_hub")
    yield _optional("mlflow", "MLflow, for models named models:/… or runs:/…,", "mlflow")
    yield _sandbox()
    yield from backends(notify)


def _opencv() -> MachineFinding:
    try:
        import cv2
    except ImportError as error:
        mend = "apt-get install libgl1 libglib2.0-0"
        return MachineFinding("OpenCV", False, first_line(error), mend)
    return MachineFinding("OpenCV", True, str(cv2.__version__))


def _pdf() -> MachineFinding:
    try:
        weasyprint = pdf.load()
    except ImportError as error:
        return MachineFinding("PDF", False, first_line(error), "pip install weasyprint")
    except OSError as error:
        return MachineFinding("PDF", False, first_line(error), f"apt-get install {_PANGO}")
    return MachineFinding("PDF", True, f"WeasyPrint {weasyprint.__version__}")


def _sandbox() -> MachineFinding:
    """Have a confined worker try what it must not."""
    with Supervisor(Guard()) as workers:
        secret, scratch = workers.scratch() / "secret", workers.scratch()
        secret.write_text("secret")
        job = {"kind": "probe", "secret": str(secret), "device": "cpu"}
        try:
            left = workers.run(job, scratch, silent)
        except AuditorError as error:
            return MachineFinding("sandbox", False, str(error), "export BDAUDIT_SANDBOX=off")
        confined = workers.confinement
    escaped = [what for what in ATTEMPTS if left.get(what) != "refused"]
    if escaped and confined.whole:
        return MachineFinding("sandbox", False, f"does not hold: {', '.join(escaped)} possible")
    if not confined.whole:
        mend = "run on Linux 5.13 or newer, x86-64 or aarch64"
        return MachineFinding("sandbox", None, confined.lacking, mend)
    tried = ", ".join(ATTEMPTS)
    return MachineFinding(
        "sandbox", True, f"Landlock {confined.landlock}, seccomp; refused: {tried}"
    )


def _optional(name: str, package: str, module: str) -> MachineFinding:
    if find_spec(module) is None:
        mend = f"pip install 'bdaudit[{name.lower()}]'"
        return MachineFinding(name, None, f"{package} is not installed", mend)
    return MachineFinding(name, True, f"{package} is installed")

"""What a machine can do, found out from Python."""

import sys
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from types import SimpleNamespace

import pytest

from auditor.report import pdf
from auditor.runs.doctor import machine
from auditor.runs.doctor.finding import MachineFinding
from auditor.runs.doctor.machine import examine
from auditor.worker.sandbox.probe import ATTEMPTS
from tests.runs.conftest import StandIn
from tests.worker.sandbox.conftest import needs_the_kernel

QUICK = (
    *("Python", "OpenCV", "PDF", "demo", "TensorBoard", "Parquet", "onnxruntime", "hf", "mlflow"),
    "sandbox",
)
"""All but the backends, which `tests/cli/test_doctor.py` has compute."""


def quick(name: str) -> MachineFinding:
    """Return one of them, with no more looked at than it takes."""
    *_, found = islice(examine(), QUICK.index(name) + 1)
    assert found.name == name
    return found


@needs_the_kernel
def test_where_everything_is_there_nothing_is_to_be_mended() -> None:
    lines: list[str] = []
    found = {one.name: one for one in islice(examine(lines.append), len(QUICK))}
    assert tuple(found) == QUICK
    lacking = [one.name for one in found.values() if one.mend or not one.ok]
    assert lacking in ([], ["mlflow"]), "which the tests do without"
    assert found["Python"].text == sys.version.split()[0]
    assert found["OpenCV"].text == version("opencv-python").rpartition(".")[0]
    assert found["PDF"].text == f"WeasyPrint {version('weasyprint')}"
    assert found["sandbox"].text.startswith("Landlock ")
    assert all(attempt in found["sandbox"].text for attempt in ATTEMPTS)
    assert lines == [], "nothing here takes minutes"


def test_what_audits_do_without_is_no_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ("sklearn", "tensorboard", "pyarrow", "onnxruntime", "huggingface_hub", "mlflow")
    monkeypatch.setattr(
        machine, "find_spec", lambda name: None if name in missing else find_spec(name)
    )
    for name in ("demo", "TensorBoard", "Parquet", "onnxruntime", "hf", "mlflow"):
        found = quick(name)
        assert (found.ok, found.mend) == (None, f"pip install 'bdaudit[{name.lower()}]'")


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (ImportError("No module named 'weasyprint'\nmore"), "pip install weasyprint"),
        (OSError("cannot load library 'libpango'\nmore"), "apt-get install libpango"),
    ],
)
def test_each_lack_has_the_command_that_mends_it(
    error: Exception, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> SimpleNamespace:
        raise error

    monkeypatch.setattr(pdf, "load", load)
    found = quick("PDF")
    assert found.ok is False
    assert found.text == str(error).splitlines()[0]
    assert found.mend.startswith(mend)


@needs_the_kernel
def test_a_sandbox_that_lets_something_through_does_not_hold(stand_in: StandIn) -> None:
    refused = dict.fromkeys(ATTEMPTS, "refused")
    escaped = list(ATTEMPTS)[1]
    stand_in(f"write_result({ {**refused, escaped: 'done'}!r}, folder)")
    found = quick("sandbox")
    assert (found.ok, found.text) == (False, f"does not hold: {escaped} possible")


def test_a_worker_that_dies_is_no_sandbox(stand_in: StandIn) -> None:
    stand_in("os._exit(9)")
    found = quick("sandbox")
    assert found.ok is False
    assert "status 9" in found.text
    assert found.mend == "export BDAUDIT_SANDBOX=off"

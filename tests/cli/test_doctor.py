"""`bdaudit doctor`: what is there, what is not, and what mends it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Ran, assert_refusal, bdaudit

pytestmark = pytest.mark.real_start


def findings(ran: Ran) -> dict[str, str]:
    return {line[6:].split()[0]: line for line in ran.out.splitlines() if line[:4].strip()}


def test_a_machine_where_everything_is_there() -> None:
    ran = bdaudit("doctor", KERAS_BACKEND="")
    assert (ran.code, ran.err) == (0, "")
    found = findings(ran)
    for name in ("Python", "OpenCV", "PDF", "demo", "tensorflow"):
        assert found[name].startswith("ok "), ran.out
    assert ", Keras 3." in found["tensorflow"]
    assert re.search(r"a product is \de-0[6-8] off; used by scan, repair, search", ran.out)
    assert "WeasyPrint" in found["PDF"]
    assert {"GPU", "sandbox", "TensorBoard", "onnxruntime", "hf", "mlflow"} <= set(found)
    assert "LACK" not in ran.out


def test_a_backend_that_there_is_not() -> None:
    ran = bdaudit("doctor", KERAS_BACKEND="open\x1b[2Jvino")
    assert (ran.code, ran.err) == (3, "")
    assert findings(ran)["backend"].startswith("LACK")
    assert "not supported; use one of tensorflow, jax, torch" in ran.out
    assert "mend with: export KERAS_BACKEND=tensorflow" in ran.out
    assert "\x1b" not in ran.out


WITHOUT_PANGO = """
import sys, cffi
found = cffi.FFI.dlopen
def dlopen(self, name, *flags):
    if "pango" in str(name):
        raise OSError(f"cannot load library '{name}': no such file")
    return found(self, name, *flags)
cffi.FFI.dlopen = dlopen
from auditor.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def without_pango(*arguments: object) -> Ran:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANGO, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_a_machine_without_pango(tmp_path: Path) -> None:
    """WeasyPrint prints a banner of its own, which is nobody's result."""
    ran = without_pango("doctor")
    assert ran.code == 3
    assert re.search(r"^LACK  PDF +cannot load library 'lib", ran.out, re.MULTILINE)
    assert "mend with: apt-get install libpango-1.0-0" in ran.out
    assert "WeasyPrint could not import" not in ran.out + ran.err
    audit = ROOT / "tests" / "report" / "frozen" / "audit-v1.json"
    ran = without_pango("report", audit, "-o", tmp_path / "audit.pdf")
    assert_refusal(ran, 3, "WeasyPrint finds no Pango", "apt-get install libpango-1.0-0")
    assert ran.out == ""

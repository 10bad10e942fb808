"""The examples run as their first lines say."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, Workshop


def ran(example: str, *arguments: object, cwd: Path) -> str:
    command = [sys.executable, str(ROOT / "examples" / example), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def test_an_audit_in_python(workshop: Workshop, tmp_path: Path) -> None:
    said = ran(
        "audit_in_python.py", workshop.poisoned, workshop.data, workshop.trigger, cwd=tmp_path
    )
    assert said.startswith("fail\n")
    assert "asr: 1.0" in said


def test_a_repair_in_python(workshop: Workshop, tmp_path: Path) -> None:
    said = ran(
        "repair_in_python.py", workshop.poisoned, workshop.data, workshop.trigger, 0, cwd=tmp_path
    )
    assert " 0 before     ASR 1.000" in said
    assert "serves best" in said
    assert (tmp_path / "repaired.keras").stat().st_size > 1_000

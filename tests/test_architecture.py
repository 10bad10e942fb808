"""Imports point one way (the contracts stand in pyproject.toml), and no module sprawls."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_imports_point_one_way() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([lint_imports], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_no_module_is_longer_than_350_lines() -> None:
    long = [p for p in (ROOT / "auditor").rglob("*.py") if p.read_text().count("\n") > 350]
    assert long == []

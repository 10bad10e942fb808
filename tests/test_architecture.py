"""Rooms, imports that point one way (the contracts stand in pyproject.toml), one class a name."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "auditor"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def test_imports_point_one_way() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([lint_imports], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_the_root_holds_rooms_and_nothing_else() -> None:
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "errors.py", "text.py", "py.typed"}


def test_every_room_has_its_tests() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms - {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")} == set()


def test_no_module_is_longer_than_350_lines() -> None:
    assert [path for path in SOURCES if path.read_text().count("\n") > 350] == []


def test_no_two_classes_have_one_name() -> None:
    names = Counter(
        node.name
        for path in SOURCES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []

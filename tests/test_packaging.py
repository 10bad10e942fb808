"""The wheel holds what the program needs, and the program finds it there and in a checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

LOOK = """
import json, auditor
from auditor.records.canonical import schema
from auditor.report.template import fonts, templates
print(json.dumps({
    "package": auditor.__file__,
    "templates": str(templates()),
    "files": sorted(p.name for p in templates().iterdir() if p.is_file()),
    "fonts": [len(data) for _, _, data in fonts()],
    "schema": schema()["title"],
}))
"""


def look(**environment: str) -> dict:
    ran = subprocess.run(
        [sys.executable, "-c", LOOK],
        capture_output=True, text=True, check=True, cwd="/", env={**os.environ, **environment},
    )  # fmt: skip
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True, capture_output=True,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


def test_an_installed_wheel_is_whole(wheel: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path, wheel],
        check=True,
    )  # fmt: skip
    found = look(PYTHONPATH=str(tmp_path))
    assert found["package"].startswith(str(tmp_path))
    assert found["templates"] == str(tmp_path / "auditor" / "templates")
    assert found["files"] == sorted(p.name for p in (ROOT / "templates").iterdir() if p.is_file())
    assert len(found["fonts"]) == 3
    assert (tmp_path / "bin" / "bdaudit").exists()


def test_an_editable_checkout_uses_its_own_templates() -> None:
    found = look()
    assert found["templates"] == str(ROOT / "templates")
    assert found["schema"] == "bdaudit audit, version 1"


def test_the_wheel_carries_licences_and_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "auditor/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "auditor/templates/fonts/LICENSE.txt" in names
    assert not any(name.startswith("tests/") for name in names)

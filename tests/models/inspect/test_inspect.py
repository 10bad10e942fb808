"""What the static check tells of a harmless Keras file, and what it costs to ask."""

import subprocess
import sys
from pathlib import Path

import pytest

from auditor.errors import InputError
from auditor.models.inspect import inspect
from tests.models.inspect.conftest import refusal, small_model


def test_extension_must_agree(archive: Path, hdf5: Path) -> None:
    assert "extension says .h5" in refusal(archive, "model.h5")
    assert "extension says .keras" in refusal(hdf5, "model.keras")


def test_inspecting_starts_no_framework() -> None:
    program = (
        "import sys, auditor.models.inspect\n"
        "assert not {'keras', 'tensorflow', 'h5py'} & sys.modules.keys()"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_inspection_lists_the_layers(archive: Path, hdf5: Path) -> None:
    import keras

    for path in (archive, hdf5):
        found = inspect(path, path.name)
        assert ("conv", "Conv2D") in found.layers
        assert found.written_by == f"Keras {keras.__version__}"
        assert found.stored >= small_model().count_params()
        assert found.findings == ()
        assert not found.rewritten


def test_nothing_is_written_beside_the_file(archive: Path, hdf5: Path) -> None:
    inspect(archive, archive.name)
    inspect(hdf5, hdf5.name)
    assert sorted(archive.parent.iterdir()) == [hdf5, archive]


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be read"):
        inspect(tmp_path / "model.keras", "model.keras")

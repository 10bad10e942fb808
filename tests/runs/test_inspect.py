"""A look at a model file, from Python."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import h5py
import onnx
import pytest

from auditor.errors import InputError
from auditor.runs.inspect import inspect
from auditor.worker.supervisor import Guard
from tests.conftest import Workshop
from tests.models.onnx.graphs import built


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_all_that_a_file_says_is_found(workshop: Workshop) -> None:
    """The archive is opened by hand: its layers, and every array in its weights."""
    content = workshop.poisoned.read_bytes()
    with zipfile.ZipFile(workshop.poisoned) as archive:
        config = json.loads(archive.read("config.json"))["config"]
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    sizes: list[int] = []
    weights.visititems(lambda _, item: sizes.append(item.size if getattr(item, "shape", ()) else 0))

    found = inspect(workshop.poisoned, Guard())
    assert (found.path, found.bytes) == (str(workshop.poisoned), len(content))
    assert found.sha256 == sha256(content)
    assert found.inspection.format == "keras"
    layers = [(layer["config"]["name"], layer["class_name"]) for layer in config["layers"]]
    assert list(found.inspection.layers) == layers
    assert found.inspection.stored == sum(sizes) > 0
    assert found.inspection.findings == ()
    assert found.ports.inputs[0][1] == (-1, 16, 16, 3)
    assert found.ports.classes == 3
    assert found.ports.spatial[0] == "first" and found.ports.spatial[-1] == "last"


def test_what_is_refused_elsewhere_is_what_is_found_here(tmp_path: Path) -> None:
    import keras

    path = tmp_path / "code.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x)]).save(path)
    found = inspect(path, Guard())
    assert len(found.inspection.findings) == 1
    assert "Lambda" in found.inspection.findings[0].reason
    assert found.ports.inputs == (), "nothing more is read of such a file"


def test_numbers_beside_the_file_count_where_that_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "apart.onnx"
    onnx.save(built(), path, save_as_external_data=True, location="apart.weights", size_threshold=0)
    beside = tmp_path / "apart.weights"
    listing = (
        f"bdaudit: a file and those beside it\n{sha256(path.read_bytes())}\n"
        f"{sha256(beside.read_bytes())}  apart.weights\n"
    )
    found = inspect(path, Guard(), external_data=True)
    assert found.inspection.findings == ()
    assert found.sha256 == sha256(listing.encode())
    assert found.bytes == path.stat().st_size + beside.stat().st_size
    alone = inspect(path, Guard())
    assert alone.sha256 == sha256(path.read_bytes())
    assert "--allow-external-data" in alone.inspection.findings[0].reason


def test_what_is_no_model_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(InputError, match=r"^text\.keras: "):
        inspect(tmp_path / "text.keras", Guard())
    with pytest.raises(InputError, match=r"none\.keras: no such model file"):
        inspect(tmp_path / "none.keras", Guard())

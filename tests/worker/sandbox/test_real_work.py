"""Real work behind all the walls, by workers that are started as a user's are."""

from pathlib import Path

import pytest

from auditor.worker import sandbox
from tests.cli.repairing import QUICK, WRITING
from tests.conftest import Workshop, bdaudit
from tests.worker.sandbox.conftest import needs_the_kernel

pytestmark = [needs_the_kernel, pytest.mark.real_start]

LOOK = ("--trigger", "square8", "--sandbox", "required", "-f", "json")


@pytest.fixture
def onnx(workshop: Workshop, tmp_path: Path) -> Path:
    """The poisoned model as a graph."""
    keras = pytest.importorskip("keras")
    from auditor.models.to_onnx import from_keras

    from_keras(keras.models.load_model(workshop.poisoned), tmp_path / "poisoned.onnx")
    return tmp_path / "poisoned.onnx"


def test_a_keras_model_is_scanned(workshop: Workshop) -> None:
    ran = bdaudit("scan", workshop.poisoned, "--data", workshop.data, *LOOK)
    assert ran.code == 1, ran.err
    assert str(sandbox.offered()) in ran.out


def test_an_onnx_graph_is_scanned(workshop: Workshop, onnx: Path) -> None:
    ran = bdaudit("scan", onnx, "--data", workshop.data, *LOOK)
    assert ran.code == 1, ran.err
    assert str(sandbox.offered()) in ran.out


def test_a_model_is_repaired(workshop: Workshop, tmp_path: Path) -> None:
    own = ("--data", workshop.data, "--max-accuracy-drop", "0.1", *QUICK, *WRITING)
    ran = bdaudit("repair", workshop.poisoned, *LOOK, *own, cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert str(sandbox.offered()) in ran.out
    assert (tmp_path / "repaired.keras").stat().st_size > 10_000
    assert (tmp_path / "run" / "checkpoints" / "LATEST").exists()

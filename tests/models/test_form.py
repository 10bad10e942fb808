"""In which form a repaired model can be handed back, said before anything is trained."""

import pytest

from auditor.errors import UsageError
from auditor.models.output_format import check_form


def test_a_graph_stays_a_graph() -> None:
    with pytest.raises(UsageError, match="handed back as .onnx, not .keras"):
        check_form("onnx", ".keras")
    check_form("tflite", ".onnx")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_onnx_is_written_by_tensorflow(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(UsageError, match=f"TensorFlow only, and the backend is {backend}; choose"):
        check_form("keras", ".onnx")
    check_form("onnx", ".onnx")
    check_form("h5", ".keras")
    monkeypatch.delenv("KERAS_BACKEND")
    check_form("keras", ".onnx")

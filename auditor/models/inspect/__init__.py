"""Look at a model file before any library that could run its content does.

Nothing here imports Keras or TensorFlow. A file's format is told from its content, and what it
holds is compared with lists of what is known to be harmless; everything else is a finding.
"""

from collections.abc import Callable
from pathlib import Path

from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.keras_model import inspect_keras
from auditor.models.inspect.onnx_graph import external_files as _of_onnx
from auditor.models.inspect.onnx_graph import inspect_onnx
from auditor.models.inspect.recognise import model_format
from auditor.models.inspect.saved_model import inspect_saved_model
from auditor.models.inspect.tflite import inspect_tflite
from auditor.text import printable

__all__ = ["CHECKS", "external_files", "examine", "inspect"]

CHECKS: dict[str, Callable[[Path, str], Inspection]] = {
    "keras": inspect_keras,
    "h5": inspect_keras,
    "onnx": inspect_onnx,
    "savedmodel": inspect_saved_model,
    "tflite": inspect_tflite,
}
"""Format → how it is looked at: takes the file and its printable name."""


def external_files(path: Path, name: str) -> list[str]:
    """Return the names of the files that a model's numbers are in; none but of an ONNX file.

    Args:
        path: The file, usually a scratch copy.
        name: What the user calls it, for messages.

    Raises:
        InputError: It is damaged, or of no kind that can be looked at.
    """
    return _of_onnx(path, printable(name)) if model_format(path, name) == "onnx" else []


def examine(path: Path, name: str, external_data: bool = False) -> Inspection:
    """Look at a model file and tell everything that is found, loading nothing.

    Args:
        path: The file, usually a scratch copy; of a SavedModel, the folder.
        name: What the user calls it, for messages.
        external_data: Whether an ONNX file's numbers may be in files beside it.

    Raises:
        InputError: It is damaged, or of no kind that can be looked at.
    """
    format_ = model_format(path, name)
    if format_ == "onnx" and external_data:
        return inspect_onnx(path, printable(name), external_data)
    return CHECKS[format_](path, printable(name))


def inspect(path: Path, name: str, external_data: bool = False) -> Inspection:
    """Check a model file before it is loaded.

    Args:
        path: The file, usually a scratch copy; of a SavedModel, the folder.
        name: What the user calls it, for messages.
        external_data: Whether an ONNX file's numbers may be in files beside it.

    Returns:
        What the file declares, all of it known to be harmless.

    Raises:
        InputError: As `examine`, or something in it is not known to be harmless.
    """
    inspection = examine(path, name, external_data)
    if inspection.findings:
        inspection.refuse(printable(name))
    return inspection

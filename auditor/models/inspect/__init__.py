"""Look at a model file before any library that could run its content does.

Nothing here imports Keras or TensorFlow. A file's format is told from its content, and what it
holds is compared with lists of what is known to be harmless; everything else is a finding.
"""

from collections.abc import Callable
from pathlib import Path

from auditor.errors import InputError
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.keras_model import inspect_keras
from auditor.models.inspect.onnx_graph import inspect_onnx
from auditor.models.inspect.recognise import model_format
from auditor.models.inspect.saved_model import inspect_saved_model
from auditor.text import printable

CHECKS: dict[str, Callable[[Path, str], Inspection]] = {
    "keras": inspect_keras,
    "h5": inspect_keras,
    "onnx": inspect_onnx,
    "savedmodel": inspect_saved_model,
}
"""Format → how it is looked at: takes the file and its printable name."""


def examine(path: Path, name: str) -> Inspection:
    """Look at a model file and tell everything that is found, loading nothing.

    Args:
        path: The file, usually a scratch copy; of a SavedModel, the folder.
        name: What the user calls it, for messages.

    Raises:
        InputError: It is damaged, or of no kind that can be looked at.
    """
    return CHECKS[model_format(path, name)](path, printable(name))


def inspect(path: Path, name: str) -> Inspection:
    """Check a model file before it is loaded.

    Args:
        path: The file, usually a scratch copy; of a SavedModel, the folder.
        name: What the user calls it, for messages.

    Returns:
        What the file declares, all of it known to be harmless.

    Raises:
        InputError: As `examine`, or something in it is not known to be harmless, or it is of a
            kind that can be looked at and not loaded.
    """
    inspection = examine(path, name)
    if inspection.findings:
        inspection.refuse(printable(name))
    if not inspection.config:
        raise InputError(
            f"{printable(name)}: {inspection.format}: looked at, and harmless as far as is "
            "known; but this version loads .keras and .h5 models only"
        )
    return inspection

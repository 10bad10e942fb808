"""The forms that a repaired model can be handed back in."""

import os

from auditor.errors import UsageError

TENSORFLOW = "tensorflow"
"""The backend that Keras takes where none is named, and the only one that tf2onnx knows."""

KERAS = ("keras", "h5")
"""Formats whose architecture Keras writes again; any other is a graph, and stays one."""


def check_form(format_: str, suffix: str) -> None:
    """Refuse a repaired file of a form that a model of this format cannot be handed back in.

    Args:
        format_: The model's.
        suffix: The repaired file's, with its dot.

    Raises:
        UsageError: With the form that will do.
    """
    if format_ not in KERAS and suffix != ".onnx":
        raise UsageError(f"--output: this model is a graph and handed back as .onnx, not {suffix}")
    backend = os.environ.get("KERAS_BACKEND") or TENSORFLOW
    if format_ in KERAS and suffix == ".onnx" and backend != TENSORFLOW:
        raise UsageError(
            f"--output: Keras models become .onnx with TensorFlow only, and the backend is "
            f"{backend}; choose .keras"
        )

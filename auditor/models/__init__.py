"""Suspected models: looked at before they are loaded, then wrapped as a `Classifier`."""

from pathlib import Path
from typing import TYPE_CHECKING

from auditor.files.intake import copy_model

if TYPE_CHECKING:
    from auditor.models.classifier import Classifier


def load_classifier(
    path: str | Path,
    input_range: str = "0..1",
    size: tuple[int, int] = (224, 224),
    model_output: str | None = None,
) -> "Classifier":
    """Check a model file, load it in this process, and wrap it.

    Args:
        path: A `.keras`, `.h5` or `.onnx` file. Loading one that you do not trust is what the
            command line's worker process is for.
        input_range: As `--input-range`.
        size: (height, width) to feed a model that takes any size.
        model_output: Name of the output that is audited, of a model that has several.

    Raises:
        InputError: The file was refused, cannot be read, or is no image classifier.
        UsageError: The input range is none, or there is no such output.
    """
    from auditor.models.input_range import InputRange
    from auditor.models.inspect import inspect
    from auditor.models.loading import open_classifier, scratch

    path = Path(path)
    copy = copy_model(path, scratch()).copy
    inspection = inspect(copy, path.name)
    numbers = InputRange.parse(input_range)
    return open_classifier(copy, inspection, numbers, path.name, size, model_output)

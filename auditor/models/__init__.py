"""Suspected models: looked at before they are loaded, then wrapped as a `Classifier`."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.intake import take

if TYPE_CHECKING:
    from auditor.models.classifier import Classifier


def load_classifier(
    path: str | Path, input_range: str = "0..1", size: tuple[int, int] = (224, 224)
) -> "Classifier":
    """Check a model file, load it in this process, and wrap it.

    Args:
        path: A `.keras` or `.h5` file. Loading a file that you do not trust is what the command
            line's worker process is for.
        input_range: As `--input-range`.
        size: (height, width) to feed a model that takes any size.

    Raises:
        InputError: The file was refused, cannot be read, or is no image classifier.
        UsageError: The input range is none.
    """
    from auditor.models.classifier import wrap
    from auditor.models.input_range import InputRange
    from auditor.models.inspect import inspect
    from auditor.models.keras_file import load

    path = Path(path)
    with tempfile.TemporaryDirectory(prefix="bdaudit-") as folder:
        copy = take(path, Path(folder)).copy
        inspection = inspect(copy, path.name)
        model = load(copy, inspection, path.name)
    return wrap(model, InputRange.parse(input_range), path.name, size, inspection.format)

"""Build the model that a file holds, once the file was looked at; and hand a trained one back."""

import atexit
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor.files.scratch import Scratch
from auditor.models import keras_file
from auditor.models.classifier import Classifier
from auditor.models.input_range import InputRange
from auditor.models.inspect import inspect
from auditor.models.inspect.inspection import Inspection
from auditor.models.onnx import file as onnx_file
from auditor.models.originals import (
    Original,
    as_loaded,
    of_saved_model,
    of_tflite,
    predicting,
    predicting_with_xla,
)
from auditor.models.output_format import check_form
from auditor.models.wrap import wrap
from auditor.text import printable

Size = tuple[int, int]


Loaded = tuple[Any, Path | None, tuple[Original, ...]]


def _keras(path: Path, inspection: Inspection, name: str, size: Size) -> Loaded:
    model = keras_file.load(path, inspection, name)
    other = keras_file.load_untranslated(path, inspection, model)
    loaded = () if other is None else (as_loaded(other, model),)
    compiled = (predicting_with_xla(model),) if keras_file.asks_for_xla(path, inspection) else ()
    return model, None, (predicting(model), *compiled, *loaded)


def _onnx(path: Path, inspection: Inspection, name: str, size: Size) -> Loaded:
    return onnx_file.load(path, name, size), path, ()


def _saved_model(path: Path, inspection: Inspection, name: str, size: Size) -> Loaded:
    from auditor.models.to_onnx import from_saved_model

    return *_converted(from_saved_model, path, name, size), of_saved_model(path)


def _tflite(path: Path, inspection: Inspection, name: str, size: Size) -> Loaded:
    from auditor.models.to_onnx import from_tflite

    return *_converted(from_tflite, path, name, size), of_tflite(path)


def _converted(
    convert: Callable[[Path, Path, str], None], path: Path, name: str, size: Size
) -> tuple[Any, Path]:
    """Load what tf2onnx makes of a file, once it was looked at as any other file is."""
    graph = scratch() / "graph.onnx"
    convert(path, graph, printable(name))
    inspect(graph, graph.name)
    return onnx_file.load(graph, name, size), graph


def scratch() -> Path:
    """Make a folder that stays as long as the process: a trained graph is written from its file."""
    folder = Scratch()
    atexit.register(folder.remove)
    return folder.path


MODEL_FORMATS: dict[str, Callable[[Path, Inspection, str, Size], Loaded]] = {
    "keras": _keras,
    "h5": _keras,
    "onnx": _onnx,
    "savedmodel": _saved_model,
    "tflite": _tflite,
}
"""Format → function of the file, what was found in it, its name, and (height, width) to feed a
model that takes any size. Returns the Keras model, the ONNX file whose graph it is, if any, and how
others run the file."""


def open_classifier(
    path: Path, inspection: Inspection, input_range: InputRange, name: str, size: Size
) -> Classifier:
    """Load a model that `inspect` has accepted.

    Args:
        path: The file that was inspected; it must stay as long as the classifier is used.
        inspection: What `inspect` returned for it.
        input_range: How bytes become its numbers.
        name: What the user calls the file, for messages.
        size: (height, width) to feed a model that takes any size.

    Raises:
        InputError: It cannot be built, or is no image classifier.
        UsageError: The input range has another number of channels.
    """
    model, graph_file, originals = MODEL_FORMATS[inspection.format](path, inspection, name, size)
    shown, kind = printable(name), inspection.format
    return wrap(model, input_range, shown, size, kind, graph_file, originals)


def save(classifier: Classifier, target: Path) -> None:
    """Write a classifier with the weights it has now, in the form of the suffix.

    Raises:
        UsageError: It cannot be handed back in that form.
        WorkError: What was written is not valid, or does not compute the same.
    """
    check_form(classifier.format, target.suffix)
    if classifier.graph_file:
        onnx_file.write(classifier.model, classifier.graph_file, target)
    elif target.suffix == ".onnx":
        from auditor.models.to_onnx import from_keras

        from_keras(classifier.model, target)
    else:
        classifier.model.save(target)

"""Build the model that a file holds, once the file was looked at; and hand a trained one back."""

import atexit
from collections.abc import Callable
from dataclasses import dataclass, replace
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
from auditor.models.whole_numbers import of_whole_numbers
from auditor.models.wrap import wrap
from auditor.text import printable

Size = tuple[int, int]


@dataclass(frozen=True)
class Loaded:
    """What a file became.

    Attributes:
        model: A Keras model of one input, and of the one output that is audited.
        graph_file: The ONNX file whose graph it is, if any.
        originals: How others run the file.
        whole: The Keras model with all of its outputs, whose layers are `model`'s; None where
            there is no other.
    """

    model: Any
    graph_file: Path | None = None
    originals: tuple[Original, ...] = ()
    whole: Any = None


def _keras(path: Path, inspection: Inspection, name: str, size: Size, output: str | None) -> Loaded:
    whole = keras_file.load(path, inspection, name)
    other = keras_file.load_untranslated(path, inspection, whole)
    model, way = keras_file.one_output(whole, output, name)
    loaded = () if other is None else (as_loaded(other, whole, way),)
    xla = keras_file.asks_for_xla(path, inspection)
    compiled = (predicting_with_xla(whole, way),) if xla else ()
    originals = (predicting(whole, way), *compiled, *loaded)
    return Loaded(model, originals=originals, whole=None if whole is model else whole)


def _onnx(path: Path, inspection: Inspection, name: str, size: Size, output: str | None) -> Loaded:
    return Loaded(onnx_file.load(path, name, size, output), path)


def _saved_model(
    path: Path, inspection: Inspection, name: str, size: Size, output: str | None
) -> Loaded:
    from auditor.models.to_onnx import from_saved_model

    model, graph = _converted(from_saved_model, path, name, size, output)
    return Loaded(model, graph, of_saved_model(path, output))


def _tflite(
    path: Path, inspection: Inspection, name: str, size: Size, output: str | None
) -> Loaded:
    from auditor.models.to_onnx import from_tflite

    model, graph = _converted(from_tflite, path, name, size, output)
    return Loaded(model, graph, of_tflite(path, output))


def _converted(
    convert: Callable[[Path, Path, str, str | None], str],
    path: Path,
    name: str,
    size: Size,
    output: str | None,
) -> tuple[Any, Path]:
    """Load what tf2onnx makes of a file, once it was looked at as any other file is."""
    graph = scratch() / "graph.onnx"
    end = convert(path, graph, printable(name), output)
    inspect(graph, graph.name)
    return onnx_file.load(graph, name, size, output and end), graph


def scratch() -> Path:
    """Make a folder that stays as long as the process: a trained graph is written from its file."""
    folder = Scratch()
    atexit.register(folder.remove)
    return folder.path


MODEL_FORMATS: dict[str, Callable[[Path, Inspection, str, Size, str | None], Loaded]] = {
    "keras": _keras,
    "h5": _keras,
    "onnx": _onnx,
    "savedmodel": _saved_model,
    "tflite": _tflite,
}
"""Format → function of the file, what was found in it, its name, (height, width) to feed a model
that takes any size, and the name of the output that is audited, None for the only one."""


def open_classifier(
    path: Path,
    inspection: Inspection,
    input_range: InputRange,
    name: str,
    size: Size,
    output: str | None = None,
) -> Classifier:
    """Load a model that `inspect` has accepted.

    Args:
        path: The file that was inspected; it must stay as long as the classifier is used.
        inspection: What `inspect` returned for it.
        input_range: How bytes become its numbers.
        name: What the user calls the file, for messages.
        size: (height, width) to feed a model that takes any size.
        output: Name of the output that is audited; None for the only one.

    Raises:
        InputError: It cannot be built, or is no image classifier.
        UsageError: The input range has another number of channels, or there is no such output.
    """
    kind, shown = inspection.format, printable(name)
    found = MODEL_FORMATS[kind](path, inspection, name, size, output)
    numbers = of_whole_numbers(found.model, input_range)
    wrapped = wrap(found.model, numbers, shown, size, kind, found.graph_file, found.originals)
    return replace(wrapped, output=output or "", whole=found.whole)


def save(classifier: Classifier, target: Path) -> None:
    """Write a classifier with the weights it has now, in the form of the suffix.

    Outputs beside the one that is audited are kept, but for those that a Keras model or a
    SavedModel loses on its way to ONNX.

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
        (classifier.whole or classifier.model).save(target)

"""Write a SavedModel, a TFLite file or a Keras model as an ONNX file, or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from auditor.errors import InputError, WorkError, reason
from auditor.files.atomic import temporary_prefix
from auditor.models.ends import Shape, TypedEnd, check_inputs, chosen_output
from auditor.models.to_onnx.check import Scores, Unfaithful, check
from auditor.models.to_onnx.interpreter import Interpreter
from auditor.models.to_onnx.signature import chosen
from auditor.text import printable

if TYPE_CHECKING:
    import keras
    from onnx import ModelProto

_FOREIGN = 1e-3
_OWN = 1e-4
_T = TypeVar("_T")
_DO = "export it to ONNX with the program that made it, or save it as .keras"
_SIZE = 96
"""Height and width to compare models of any size by."""


def from_saved_model(folder: Path, target: Path, shown: str, output: str | None = None) -> str:
    """Write the serving signature of a SavedModel that `inspect` has accepted.

    Args:
        folder: The SavedModel.
        target: The file to write; nothing is there after an error.
        shown: What the user calls the model, already printable.
        output: Name of the output that is audited, the only one that is written; None for the only
            one that there is.

    Returns:
        What the graph calls the output that is audited.

    Raises:
        InputError: It is no image classifier, or ONNX cannot say what it computes.
        UsageError: It has no output of that name.
        WorkError: The file cannot be written.
    """
    import tensorflow as tf

    from auditor.models.to_onnx import graph

    loaded = _attempt(lambda: tf.saved_model.load(str(folder)), shown, "could not be loaded")
    name, signature = chosen(dict(loaded.signatures), shown)
    inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
    place = _check_ends(
        [_spec(name, spec) for name, spec in inputs.items()],
        [_spec(name, spec) for name, spec in outputs.items()],
        output,
        shown,
    )
    (image,), scores = inputs, list(outputs)[place]
    tensor = sorted(outputs).index(scores)  # a function gives the values of a dict by their names
    proto = _attempt(
        lambda: graph.from_function(signature, image, scores, tensor),
        shown,
        "could not be converted",
    )
    _write(
        proto,
        lambda images: signature(**{image: tf.constant(images)})[scores],
        tuple(inputs[image].shape),
        scores,
        target,
        shown,
    )
    return str(scores)


def from_tflite(path: Path, target: Path, shown: str, output: str | None = None) -> str:
    """Write a float TFLite model that `inspect` has accepted.

    Args:
        path: The file.
        target: The file to write; nothing is there after an error.
        shown: What the user calls the model, already printable.
        output: Name of the output that is audited; None for the only one.

    Returns:
        What the graph calls the output that is audited.

    Raises:
        InputError: It is no image classifier, or ONNX cannot say what it computes.
        UsageError: It has no output of that name.
        WorkError: The file cannot be written.
    """
    from auditor.models.to_onnx import graph

    runner = _attempt(lambda: Interpreter(path, plain=True), shown, "could not be loaded")
    place = _check_ends(runner.inputs, runner.outputs, output, shown)
    proto = _attempt(lambda: graph.from_tflite(path), shown, "could not be converted")
    end = str(runner.tensors[place])  # which a signature may call otherwise
    scores = runner.at(runner.outputs[place].name)
    _write(proto, scores, runner.inputs[0].shape, end, target, shown)
    return end


def from_keras(model: "keras.Model", target: Path) -> None:
    """Write a Keras image classifier.

    Args:
        model: The model, on the TensorFlow backend.
        target: The file to write; what was there before stays where this fails.

    Raises:
        WorkError: ONNX cannot say what the model computes, or the file cannot be written.
    """
    import keras

    from auditor.models.to_onnx import graph

    if keras.backend.backend() != "tensorflow":
        raise WorkError(
            f"{target.name}: ONNX is written with the TensorFlow backend only, and this is "
            f"{keras.backend.backend()}; choose an output that ends in .keras"
        )
    import tensorflow as tf

    source = model.inputs[0]
    scores = getattr(model, "output_names", ["scores"])[0]  # a Sequential has none
    spec = tf.TensorSpec(source.shape, tf.float32, name="images")
    try:
        traced = tf.function(
            lambda images: model(images, training=False), input_signature=[spec], autograph=False
        )
        proto = graph.from_function(traced.get_concrete_function(), source.name, scores)
        content = _checked(proto, traced, tuple(source.shape), scores, _OWN)
    except Exception as error:  # ours, or whatever TensorFlow and tf2onnx raise
        raise WorkError(
            f"{target.name}: the model cannot be written as ONNX: {_reason(error)}; "
            "choose an output that ends in .keras"
        ) from None
    _put(content, target)


def _spec(name: str, spec: Any) -> TypedEnd:
    return TypedEnd(name, tuple(spec.shape) if spec.shape.rank else None, spec.dtype.name)


def _check_ends(
    inputs: list[TypedEnd], outputs: list[TypedEnd], wanted: str | None, shown: str
) -> int:
    """Refuse what does not turn one batch of images into one batch of scores; say which output."""
    try:
        check_inputs(inputs)
        place = chosen_output(outputs, wanted)
    except InputError as error:
        raise InputError(f"{shown}: {error}") from None
    taken, given = inputs[0], outputs[place]
    if taken.type == "string":
        raise InputError(
            f"{shown}: it takes files of images (a string: JPEG or PNG bytes), not pixels; save it "
            "with a signature that takes (n, height, width, 3) numbers and decodes nothing"
        )
    rows = taken.shape
    if not rows or not 2 <= len(rows) <= 4 or not given.shape or len(given.shape) != 2:
        raise InputError(
            f"{shown}: not an image classifier: it makes {given} of {taken}, expected "
            "(n, classes) of (n, height, width, channels)"
        )
    if taken.type not in ("float32", "uint8") or given.type != "float32":
        raise InputError(
            f"{shown}: it takes {taken.type} and gives {given.type}, expected float32 of both, or "
            f"images as uint8; {_DO}"
        )
    return place


def _write(
    proto: "ModelProto",
    scores: Scores,
    shape: Shape,
    end: str,
    target: Path,
    shown: str,
) -> None:
    content = _attempt(
        lambda: _checked(proto, scores, shape, end, _FOREIGN), shown, "cannot be audited as ONNX"
    )
    _put(content, target)


def _put(content: bytes, target: Path) -> None:
    """Write a file whole or not at all, with what a confined worker may do."""
    unfinished = target.with_name(f"{temporary_prefix(target)}part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        shown = printable(target.name)
        raise WorkError(f"{shown}: cannot be written: {error.strerror}") from None


def _checked(proto: "ModelProto", scores: Scores, shape: Shape, end: str, allowed: float) -> bytes:
    assert shape
    count, *size = shape
    check(proto, scores, (count or 0, *(each or _SIZE for each in size)), allowed, end)
    return bytes(proto.SerializeToString())


def _attempt(act: Callable[[], _T], shown: str, problem: str) -> _T:
    """Do something with TensorFlow or tf2onnx, whose errors are many and long."""
    try:
        return act()
    except Exception as error:
        raise InputError(f"{shown}: {problem}: {_reason(error)}; {_DO}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, Unfaithful):
        return str(error)
    return printable(reason(error), 200)

"""A loaded Keras model taken for an image classifier, or refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import InputError, UsageError, is_out_of_memory, reason
from auditor.models.apart import check_apart
from auditor.models.classifier import Classifier, rehearse
from auditor.models.door import Door, door
from auditor.models.ending import ends_in, ends_in_logit, runs_once
from auditor.models.input_range import InputRange
from auditor.models.originals import Original
from auditor.text import printable

_NEARLY = 1e-3


def wrap(
    model: Any,
    input_range: InputRange,
    name: str,
    fallback: tuple[int, int],
    format_: str = "keras",
    graph_file: Path | None = None,
    originals: tuple[Original, ...] = (),
) -> Classifier:
    """Return the model as a `Classifier`.

    Args:
        model: A built Keras model.
        input_range: How bytes become its numbers.
        name: The file's name, for errors.
        fallback: (height, width) to use where the model takes any size: the images' own.
        format_: The model file's format.
        graph_file: The ONNX file whose graph the model is.
        originals: How others run the file that the model was read from.

    Raises:
        InputError: It is not an image classifier: several inputs or outputs, no image input, a
            regression head.
        UsageError: The input range has another number of channels.
    """
    if not model.built or not getattr(model, "inputs", None):
        raise InputError(f"{name}: the model was saved before it knew its input; save it built")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise InputError(
            f"{name}: not an image classifier: {len(model.inputs)} inputs and "
            f"{len(model.outputs)} outputs, expected one of each"
        )
    try:
        taken = door(tuple(model.inputs[0].shape), fallback)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if not graph_file and format_ in ("keras", "h5"):
        check_apart(model, taken.own, name)
    activation = ends_in(model)
    if activation and not graph_file and all(taken.size):
        activation = activation if _once(model, taken, name) else ""
    classes = _classes(model, activation, name)
    if problem := input_range.problem(taken.channels):
        raise UsageError(f"--input-range {printable(input_range.short, 80)}: {problem}")
    classifier = Classifier(
        model=model,
        door=taken,
        classes=classes,
        softmax=bool(activation),
        input_range=input_range,
        format=format_,
        graph_file=graph_file,
        originals=originals,
    )
    if not activation and all(taken.size) and _gives_probabilities(classifier, name):
        return replace(classifier, probabilities=True)
    return classifier


def _classes(model: Any, activation: str, name: str) -> int:
    """Return how many classes a model's numbers tell apart.

    Raises:
        InputError: They are no list, or a single one that is neither a probability nor log-odds.
    """
    output = tuple(model.outputs[0].shape)
    wide = [size for size in output[1:] if size != 1]
    if len(output) < 2 or len(wide) > 1 or None in wide:
        raise InputError(
            f"{name}: not an image classifier: its output has the shape {output}, "
            "expected (None, classes) with a score for each class"
        )
    if wide:
        return int(wide[0])
    if activation != "sigmoid" and (activation or not ends_in_logit(model)):
        raise InputError(
            f"{name}: not an image classifier: it gives one number, which is no score of a class; "
            "expected a score for each class, or for two classes a sigmoid or what goes into one"
        )
    return 2


def _gives_probabilities(classifier: Classifier, name: str) -> bool:
    """Whether all numbers lie in [0, 1] and add up to 1, whatever the image."""
    from keras import ops

    if classifier.one_number:
        return False
    height, width = classifier.size
    noise = np.random.default_rng(0).integers(0, 256, (3, height, width, 3), np.uint8)
    noise[0] = noise[0] // 32  # nearly black
    with _running(name, (height, width)):
        given = np.asarray(ops.convert_to_numpy(classifier.model(classifier.fed(noise))))
        given = given.reshape(len(noise), -1)
    inside = given.min() >= -_NEARLY and given.max() <= 1 + _NEARLY
    return bool(inside and np.allclose(given.sum(axis=1), 1, atol=_NEARLY))


def _once(model: Any, taken: Door, name: str) -> bool:
    """Whether a model's last operation runs once."""
    with _running(name, taken.size):
        once = runs_once(model, lambda call: rehearse(call, (1, *taken.own)))
    return once


@contextmanager
def _running(name: str, size: tuple[int, ...]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever the backend raises for shapes that do not fit
        if is_out_of_memory(error):
            raise
        said = printable(reason(error), 200)
        raise InputError(
            f"{name}: cannot be run on an image of {size[0]}×{size[1]}: {said}"
        ) from None

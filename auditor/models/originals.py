"""A model file as the program runs it that it was made for: what others get of the same images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.models.ending import one_at_a_time
from auditor.models.inspect.keras_outputs import Path as OutputPath
from auditor.models.weights import weights_sha256

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Original:
    """One way in which others run a model file.

    Attributes:
        name: What to call them.
        run: Gives (n, classes) outputs of (n, h, w, channels) numbers as the model takes them, one
            image after the other, so that none can depend on another; None where they cannot run
            the file at all.
        is_current: Whether that is still what the classifier was read from.
    """

    name: str
    run: Callable[[Images], NDArray[Any] | None]
    is_current: Callable[[], bool] = lambda: True


def predicting(model: Any, path: OutputPath = ()) -> Original:
    """Return how `predict` runs a Keras model.

    Args:
        model: The model.
        path: The keys and places that lead to the audited output; none where it has no other.
    """
    import keras

    def run(images: Images) -> NDArray[Any]:
        with one_at_a_time:
            return np.asarray(_at(model.predict(images, batch_size=1, verbose=0), path))

    return Original(f"Keras {keras.__version__} (predict)", run)


def _at(outputs: Any, path: OutputPath) -> Any:
    """Return one of a Keras model's outputs, as who calls it does: by its key or its place."""
    for step in path:
        outputs = outputs[step]
    return outputs


def predicting_with_xla(model: Any, path: OutputPath = ()) -> Original:
    """Return how `predict` runs a Keras model that was saved with `jit_compile=True`.

    XLA computes some things otherwise: a number out of range that is made whole, for one. Keras
    goes without it in a process that asked for deterministic operations, as a repair does: compiled
    here.
    """
    import keras
    import tensorflow as tf

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def compiled(image: Any) -> Any:
        return _at(model(image, training=False), path)

    def run(images: Images) -> NDArray[Any]:
        with one_at_a_time:
            return np.concatenate([compiled(image[None]).numpy() for image in images])

    return Original(f"Keras {keras.__version__} (predict with jit_compile)", run)


def as_loaded(other: Any, model: Any, path: OutputPath = ()) -> Original:
    """Return how Keras runs a file that is audited as something else than it makes of it.

    Args:
        other: What its `load_model` makes of the file.
        model: What is audited, with the weights that the file has.
        path: The keys and places that lead to the audited output; none where it has no other.
    """
    import keras

    read = weights_sha256(model)
    return Original(  # of some old files it makes what nobody can run
        f"Keras {keras.__version__} (load_model)",
        lambda images: _unless_all_fail(
            predicting(other, path).run, images, (ValueError, TypeError)
        ),
        lambda: weights_sha256(model) == read,
    )


def of_saved_model(folder: Path, output: str | None = None) -> tuple[Original, ...]:
    """Return the ways in which TensorFlow runs a SavedModel.

    `saved_model.load` calls a function that the objects name, with variables that a checkpoint
    gives to objects. TensorFlow Serving, and whatever is no Python, runs nodes that the signature
    names, with variables that a node restores. A file can make these differ. The latter can get no
    variables at all, as of what `tf.saved_model.save` makes of a model of Keras 3.

    `serve` is what Keras calls its entry point, and TFSMLayer calls where it is told nothing: as a
    signature, and as a function of the object.

    Args:
        folder: The SavedModel.
        output: Name of the output that is audited; None for the only one.
    """
    import tensorflow as tf

    from auditor.models.to_onnx.signature import chosen, named

    @cache
    def loaded() -> Any:
        model = tf.saved_model.load(str(folder))
        return model, chosen(dict(model.signatures), "")  # which keeps its variables alive

    def call(rows: Images) -> Any:
        _, (_, signature) = loaded()
        ((image, spec),) = signature.structured_input_signature[1].items()
        return named(signature(**{image: tf.constant(rows, spec.dtype)}), output).numpy()

    @cache
    def session() -> Any:
        return _session(folder, output)

    def serve(rows: Images) -> Any:
        opened, image, scores = session()
        (spec,) = loaded()[1][1].structured_input_signature[1].values()
        return opened.run(scores, {image: rows.astype(spec.dtype.as_numpy_dtype)})

    def serve_all(images: Images) -> NDArray[Any] | None:
        without = tf.errors.FailedPreconditionError
        return _unless_all_fail(lambda one: _one_by_one(serve, one, count()), images, without)

    def count() -> int:
        (spec,) = loaded()[1][1].structured_input_signature[1].values()
        return spec.shape[0] or 1

    name = f"TensorFlow {tf.__version__}"
    return (
        Original(f"{name} (saved_model.load)", lambda images: _one_by_one(call, images, count())),
        Original(f"{name} (Serving)", serve_all),
        *(
            Original(f"{name} ({kind})", partial(_one_by_one, run, count=count()))
            for kind, run in _entries(*loaded(), output=output)
        ),
    )


def _entries(
    model: Any, served: tuple[str, Any], *, output: str | None
) -> Iterator[tuple[str, Callable[[Images], Any]]]:
    """Give what else answers to `serve` in a SavedModel, if it takes the images that are audited.

    Args:
        model: What `saved_model.load` gave.
        served: Name of the signature that is audited, and the signature.
        output: Name of the output that is audited; None for the only one.
    """
    import tensorflow as tf

    from auditor.models.to_onnx.signature import has, named

    (image,) = served[1].structured_input_signature[1].values()
    signature = model.signatures.get("serve") if served[0] != "serve" else None
    functions = getattr(getattr(model, "serve", None), "concrete_functions", ())
    for kind, function in (("signature serve", signature), *(("serve()", f) for f in functions)):
        specs = [] if function is None else tf.nest.flatten(function.structured_input_signature)
        if len(specs) != 1 or not isinstance(specs[0], tf.TensorSpec):
            continue
        if not has(function.structured_outputs, output):
            continue
        if specs[0].dtype != image.dtype or not specs[0].shape.is_compatible_with(image.shape):
            continue
        image_name = specs[0].name if kind != "serve()" else ""

        def run(rows: Images, function: Any = function, image_name: str = image_name) -> Any:
            given = tf.constant(rows, image.dtype)
            outputs = function(**{image_name: given}) if image_name else function(given)
            return named(outputs, output).numpy()

        yield kind, run


def of_tflite(path: Path, output: str | None = None) -> tuple[Original, ...]:
    """Return how an interpreter of TFLite runs a file, as people start it.

    Args:
        path: The file.
        output: Name of the output that is audited; None for the only one.
    """
    import tensorflow as tf

    from auditor.models.to_onnx.interpreter import Interpreter

    runner = Interpreter(path, plain=False).at(output)
    count = (runner.inputs[0].shape or (1,))[0] or 1
    name = f"TFLite of TensorFlow {tf.__version__}"
    return (Original(name, lambda images: _one_by_one(runner, images, count)),)


def _session(folder: Path, output: str | None) -> tuple[Any, str, str]:
    """Open a SavedModel as TensorFlow 1 did; return the names of input and output, too."""
    import tensorflow as tf
    from tensorflow.python.saved_model.loader_impl import SavedModelLoader, parse_saved_model

    from auditor.models.to_onnx.signature import chosen, named

    (meta,) = parse_saved_model(str(folder)).meta_graphs
    graph = tf.Graph()
    with graph.as_default():
        config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
        opened = tf.compat.v1.Session(graph=graph, config=config)
        SavedModelLoader(str(folder)).load(opened, list(meta.meta_info_def.tags))
    served = {k: s for k, s in meta.signature_def.items() if not k.startswith("__saved_model")}
    _, signature = chosen(served, "")
    (image,) = signature.inputs.values()
    return opened, image.name, named(dict(signature.outputs), output).name


def _one_by_one(run: Callable[[Images], Any], images: Images, count: int) -> NDArray[Any]:
    """Run each image alone, repeated as often as the model takes images at once."""
    return np.concatenate([np.asarray(run(np.repeat(i[None], count, axis=0)))[:1] for i in images])


def _unless_all_fail(
    run: Callable[[Images], NDArray[Any] | None],
    images: Images,
    failure: type[Exception] | tuple[type[Exception], ...],
) -> NDArray[Any] | None:
    """Run each image; None where none can be run, but an error where only some can."""
    rows: list[Any] = []
    failed = None
    for row in range(len(images)):
        try:
            rows.append(run(images[row : row + 1]))
        except failure as error:
            failed = error
    if rows and failed:
        raise failed
    return np.concatenate(rows) if rows else None

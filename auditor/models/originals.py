"""A model file as the program runs it that it was made for: what others get of the same images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Original:
    """One way in which others run a model file.

    Attributes:
        name: What to call them.
        run: Gives (n, classes) outputs of (n, h, w, channels) numbers as the model takes them, one
            image after the other, so that none can depend on another.
    """

    name: str
    run: Callable[[Images], NDArray[Any]]


def predicting(model: Any) -> Original:
    """Return how `predict` runs a Keras model."""
    import keras

    def run(images: Images) -> NDArray[Any]:
        return np.asarray(model.predict(images, batch_size=1, verbose=0))

    return Original(f"Keras {keras.__version__} (predict)", run)


def of_saved_model(folder: Path) -> tuple[Original, ...]:
    """Return the two ways in which TensorFlow runs a SavedModel's signature.

    `saved_model.load` calls a function that the objects name, with variables that a checkpoint
    gives to objects. TensorFlow Serving, and whatever is no Python, runs nodes that the signature
    names, with variables that a node restores. A file can make these differ.
    """
    import tensorflow as tf

    from auditor.models.to_onnx.signature import chosen

    @cache
    def loaded() -> Any:
        model = tf.saved_model.load(str(folder))
        return model, chosen(dict(model.signatures), "")  # which keeps its variables alive

    def call(rows: Images) -> Any:
        _, (_, signature) = loaded()
        (image,) = signature.structured_input_signature[1]
        (scores,) = signature(**{image: tf.constant(rows)}).values()
        return scores.numpy()

    @cache
    def session() -> Any:
        return _session(folder)

    def serve(rows: Images) -> Any:
        opened, image, scores = session()
        return opened.run(scores, {image: rows})

    def count() -> int:
        (spec,) = loaded()[1][1].structured_input_signature[1].values()
        return spec.shape[0] or 1

    name = f"TensorFlow {tf.__version__}"
    return (
        Original(f"{name} (saved_model.load)", lambda images: _one_by_one(call, images, count())),
        Original(f"{name} (Serving)", lambda images: _one_by_one(serve, images, count())),
    )


def of_tflite(path: Path) -> tuple[Original, ...]:
    """Return how an interpreter of TFLite runs a file, as people start it."""
    import tensorflow as tf

    from auditor.models.to_onnx.interpreter import Interpreter

    runner = Interpreter(path, plain=False)
    count = runner.inputs[0][0][0] or 1
    name = f"TFLite of TensorFlow {tf.__version__}"
    return (Original(name, lambda images: _one_by_one(runner, images, count)),)


def _session(folder: Path) -> tuple[Any, str, str]:
    """Open a SavedModel as TensorFlow 1 did; return the names of input and output, too."""
    import tensorflow as tf
    from tensorflow.python.saved_model.loader_impl import SavedModelLoader, parse_saved_model

    from auditor.models.to_onnx.signature import chosen

    (meta,) = parse_saved_model(str(folder)).meta_graphs
    graph = tf.Graph()
    with graph.as_default():
        config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
        opened = tf.compat.v1.Session(graph=graph, config=config)
        SavedModelLoader(str(folder)).load(opened, list(meta.meta_info_def.tags))
    named = {key: s for key, s in meta.signature_def.items() if not key.startswith("__saved_model")}
    _, signature = chosen(named, "")
    (image,), (scores,) = signature.inputs.values(), signature.outputs.values()
    return opened, image.name, scores.name


def _one_by_one(run: Callable[[Images], Any], images: Images, count: int) -> NDArray[Any]:
    """Run each image alone, repeated as often as the model takes images at once."""
    return np.concatenate([np.asarray(run(np.repeat(i[None], count, axis=0)))[:1] for i in images])

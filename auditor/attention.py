"""Scores and Grad-CAM heatmaps from one forward pass (Selvaraju et al. 2017, eq. 1 and 2).

The layer's output is watched as it passes by, wherever in the model it sits, and the gradient runs
from the scores back to it: through the head alone, in the same compiled call. The model is not
rebuilt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError, UsageError
from auditor.models.classifier import Classifier, SpatialLayer, watched
from auditor.text import printable

Run = Callable[[NDArray[np.uint8], NDArray[np.int32]], tuple[Any, ...]]


@dataclass(frozen=True)
class Seen:
    """What one pass over n images shows.

    Attributes:
        scores: (n, classes) float32, before softmax.
        predicted: (n,) int64, the class with the highest score.
        heat: (n, gh, gw) float32 ≥ 0, Grad-CAM of the predicted class; (n, 0, 0) with no layer.
            What is NaN or infinite is 0 here: the scores tell that something is broken.
        target_heat: The same for the class that was asked for.
    """

    scores: NDArray[np.float32]
    predicted: NDArray[np.int64]
    heat: NDArray[np.float32]
    target_heat: NDArray[np.float32]


class GradCam:
    """A classifier and a layer, compiled into one call."""

    def __init__(self, classifier: Classifier, layer: SpatialLayer | None) -> None:
        """Compile lazily, at the first call.

        Args:
            classifier: The model.
            layer: Where heatmaps are read; None for scores alone.

        Raises:
            UsageError: The Keras backend has no gradient here.
        """
        import keras

        backend = keras.backend.backend()
        if backend not in _BACKENDS:
            raise UsageError(
                f"KERAS_BACKEND={backend}: not supported; use one of {', '.join(_BACKENDS)}"
            )
        self._layer = layer
        self._run = _BACKENDS[backend](classifier, layer)

    def __call__(self, images: NDArray[np.uint8], target: int) -> Seen:
        """Look at (n, h, w, 3) uint8 images; `target` is the class of `target_heat`."""
        classes = np.full(len(images), target, np.int32)
        outputs = [np.asarray(value) for value in self._run(images, classes)]
        scores = outputs[0]
        heats = outputs[1:] or [np.zeros((len(images), 0, 0), np.float32)] * 2
        heat, target_heat = (np.where(np.isfinite(h), h, np.float32(0)) for h in heats)
        return Seen(scores, scores.argmax(axis=1), heat, target_heat)


def _tensorflow(classifier: Classifier, layer: SpatialLayer | None) -> Run:
    import tensorflow as tf

    def look(images: Any, classes: Any) -> tuple[Any, ...]:
        if layer is None:
            return (classifier.scores(images),)
        features: list[Any] = []
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:

            def watch(output: Any) -> Any:
                tape.watch(output)
                features.append(output)
                return output

            with watched([(layer.layer, watch)]):
                scores = classifier.scores(images)
            predicted = tf.argmax(scores, axis=1, output_type=tf.int32)
            chosen = [tf.gather(scores, c, axis=1, batch_dims=1) for c in (predicted, classes)]
        heats = [_heat(features[-1], tape.gradient(c, features[-1]), layer) for c in chosen]
        return scores, *heats

    height, width = classifier.size
    signature = [
        tf.TensorSpec((None, height, width, 3), tf.uint8),
        tf.TensorSpec((None,), tf.int32),
    ]
    run: Run = tf.function(look, input_signature=signature, autograph=False)
    return run


def _heat(features: Any, gradient: Any, layer: SpatialLayer) -> Any:
    """Return M = ReLU(Σ_k α_k A^k), α_k the gradient's mean over rows and columns."""
    from keras import ops

    if gradient is None:
        raise InputError(
            f"layer {printable(layer.path)}: the scores do not depend on it; "
            "choose another with --layer"
        )
    features, gradient = (ops.cast(value, "float32") for value in (features, gradient))
    return ops.relu(ops.einsum("nhwk,nk->nhw", features, ops.mean(gradient, axis=(1, 2))))


_BACKENDS: dict[str, Callable[[Classifier, SpatialLayer | None], Run]] = {
    "tensorflow": _tensorflow,
}

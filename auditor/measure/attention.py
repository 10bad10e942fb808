"""Scores and Grad-CAM heatmaps from one forward pass (Selvaraju et al. 2017, eq. 1 and 2).

The layer's output is watched as it passes by, wherever in the model it sits, and the gradient runs
from the scores back to it: through the head alone, in the same compiled call. The model is not
rebuilt.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from auditor.data.read_ahead import read_ahead
from auditor.errors import InputError, UsageError
from auditor.models.classifier import Classifier, SpatialLayer, watched
from auditor.models.devices import gpus_in_use
from auditor.text import printable

_T = TypeVar("_T")
Outputs = tuple[Any, ...]
"""Scores and, where a layer is watched, both heatmaps: the backend's arrays."""

Run = Callable[[NDArray[Any], NDArray[np.int32]], list[Outputs]]
"""Begins a pass over n images; gives its outputs in parts, which may still be computed. Together
they are n rows, and some to be cut off."""

_CPU_ROWS = 64
"""Images that JAX computes at a time on a CPU, where more are no faster: so few images cost little
when they are padded, and nothing is compiled for them."""


class Network(Protocol):
    """What can be compiled: a classifier, or the part of one that is left to compute."""

    @property
    def model(self) -> Any:
        """The Keras model whose weights it has."""

    @property
    def takes(self) -> tuple[tuple[int | None, ...], str]:
        """Shape and type of what `scores` takes."""

    def scores(self, given: Any, /) -> Any:
        """Return (n, classes) scores before softmax, built from backend operations."""


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
    """A look at a classifier and one of its layers, compiled once for every such look."""

    def __init__(
        self, classifier: Classifier, layer: SpatialLayer | None, *, frozen: bool = False
    ) -> None:
        """Compile lazily, at the first call of the first look.

        Args:
            classifier: The model.
            layer: Where heatmaps are read; None for scores alone.
            frozen: Whether its weights stay as they are from now on, so that an ONNX graph can be
                run by ONNX Runtime, where that is installed and there is no GPU.

        Raises:
            UsageError: The Keras backend has no gradient here.
        """
        compiling = _compiling()
        found = None
        if frozen and classifier.graph_file and not gpus_in_use():
            from auditor.models.onnx.runtime import fast_forward

            found = fast_forward(classifier, layer)
        self._forward = found[0] if found else None
        head = found[1] if found else None
        if found and head is None:  # scores alone
            self._run: Run = lambda scores, classes: [(scores,)]
            return
        key = ("head" if head else "all", layer)
        if key not in classifier.compiled:
            classifier.compiled[key] = compiling(head or classifier, layer)
        self._run = classifier.compiled[key]

    def __call__(self, images: NDArray[np.uint8], target: int | NDArray[np.int64]) -> Seen:
        """Look at (n, h, w, 3) uint8 images.

        Args:
            images: The images.
            target: The class of `target_heat`, or (n,) one for each image.
        """
        return self._begun(images, target)()

    def each(
        self, asked: Iterable[tuple[_T, NDArray[np.uint8], int | NDArray[np.int64]]]
    ) -> Iterator[tuple[_T, Seen]]:
        """Look at one batch after the other; the next is begun before the last one is waited for.

        Args:
            asked: Of each batch what it is, its images and their target, as for a call. Worked out
                in a thread, one batch ahead: the images must be left as they are.

        Yields:
            What each batch is, and what was seen.
        """
        last: tuple[_T, Callable[[], Seen]] | None = None
        for what, images, target in read_ahead(asked):
            begun = what, self._begun(images, target)
            if last:
                yield last[0], last[1]()
            last = begun
        if last:
            yield last[0], last[1]()

    def _begun(
        self, images: NDArray[np.uint8], target: int | NDArray[np.int64]
    ) -> Callable[[], Seen]:
        """Let the device begin; what is returned waits for it."""
        count = len(images)
        classes = np.full(count, target).astype(np.int32)
        parts = self._run(self._forward(images) if self._forward else images, classes)

        def seen() -> Seen:
            scores, *heats = (_fetched(outputs, count) for outputs in zip(*parts, strict=True))
            heat, target_heat = heats or [np.zeros((count, 0, 0), np.float32)] * 2
            return Seen(scores, scores.argmax(axis=1), heat, target_heat)

        return seen


def compiled(network: Network) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return the scores of what a network takes, compiled.

    Raises:
        UsageError: As for `GradCam`.
    """
    run = _compiling()(network, None)

    def scores(rows: NDArray[Any]) -> NDArray[np.float32]:
        parts = run(rows, np.zeros(len(rows), np.int32))
        return _fetched(next(zip(*parts, strict=True)), len(rows))

    return scores


def _compiling() -> Callable[[Network, SpatialLayer | None], Run]:
    """Return how the Keras backend compiles a look at a network."""
    import keras

    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise UsageError(
            f"KERAS_BACKEND={backend}: not supported; use one of {', '.join(_BACKENDS)}"
        )
    return _BACKENDS[backend]


def _fetched(parts: tuple[Any, ...], count: int) -> NDArray[np.float32]:
    """Return the first rows of some arrays of the backend, once they are computed."""
    from keras import ops

    arrays = [np.asarray(ops.convert_to_numpy(part)) for part in parts]
    return (arrays[0] if len(arrays) == 1 else np.concatenate(arrays))[:count]


def _tensorflow(classifier: Network, layer: SpatialLayer | None) -> Run:
    import tensorflow as tf

    def look(images: Any, classes: Any) -> list[Outputs]:
        if layer is None:
            return [(classifier.scores(images),)]
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
        return [(scores, *heats)]

    signature = [tf.TensorSpec(*classifier.takes), tf.TensorSpec((None,), tf.int32)]
    run: Run = tf.function(look, input_signature=signature, autograph=False)
    return run


def _jax(classifier: Network, layer: SpatialLayer | None) -> Run:
    """The layer's output gets a change of zero added, and the gradient runs back to that change.

    The weights are arguments of the compiled function: constants would stay as they were when it
    was compiled, while a repair trains them. Where the scores do not depend on the layer, the
    gradient is zero here, and so is the heatmap.
    """
    import jax
    import keras

    variables = classifier.model.variables
    layers = [layer.layer] if layer else []

    def forward(changes: list[Any] | None, values: list[Any], images: Any) -> tuple[Any, list[Any]]:
        features: list[Any] = []

        def watch(output: Any) -> Any:
            features.append(output + changes[len(features)] if changes else output)
            return features[-1]

        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping), watched([(x, watch) for x in layers]):
            return classifier.scores(images), features

    def look(values: list[Any], images: Any, classes: Any) -> Outputs:
        if layer is None:
            return (forward(None, values, images)[0],)
        shapes = jax.eval_shape(lambda: forward(None, values, images)[1])
        changes = [jax.numpy.zeros(s.shape, s.dtype) for s in shapes]
        scores, pull, features = jax.vjp(
            lambda changes: forward(changes, values, images), changes, has_aux=True
        )
        chosen = [jax.nn.one_hot(c, scores.shape[1]) for c in (scores.argmax(axis=1), classes)]
        heats = [_heat(features[-1], pull(c)[0][-1], layer) for c in chosen]
        return scores, *heats

    compiled = jax.jit(look)
    sizes: set[int] = set()

    def begin(images: NDArray[Any], classes: NDArray[np.int32], values: list[Any]) -> Outputs:
        """JAX compiles anew for every number of rows; so few are padded where more were before."""
        n = len(images)
        size = min((s for s in sizes if s >= n), default=n)
        sizes.add(size)
        outputs: Outputs = compiled(values, _padded(images, size), _padded(classes, size))
        for output in outputs:
            output.copy_to_host_async()
        return outputs

    def run(images: NDArray[Any], classes: NDArray[np.int32]) -> list[Outputs]:
        n, values = len(images), [variable.value for variable in variables]
        rows = _CPU_ROWS if jax.default_backend() == "cpu" else max(1, n)
        parts = [slice(start, start + rows) for start in range(0, max(1, n), rows)]
        return [begin(images[part], classes[part], values) for part in parts]

    return run


def _padded(rows: NDArray[Any], size: int) -> NDArray[Any]:
    """Add rows of zeros up to `size`."""
    if len(rows) == size:
        return rows
    return np.concatenate([rows, np.zeros((size - len(rows), *rows.shape[1:]), rows.dtype)])


def _torch(classifier: Network, layer: SpatialLayer | None) -> Run:
    """Nothing is compiled; a graph is recorded from the layer onwards, none for what is before."""
    import torch

    layers = [layer.layer] if layer else []

    def look(images: Any, classes: NDArray[np.int32]) -> Outputs:
        features: list[Any] = []

        def watch(output: Any) -> Any:
            torch.set_grad_enabled(True)
            features.append(output.detach().requires_grad_())
            return features[-1]

        with torch.no_grad(), watched([(x, watch) for x in layers]):
            scores = classifier.scores(images)
        if layer is None:
            return (scores,)
        asked = torch.as_tensor(classes, dtype=torch.int64, device=scores.device)
        heats = []
        for c in (scores.argmax(dim=1), asked):
            total = scores.gather(1, c[:, None]).sum()
            (gradient,) = torch.autograd.grad(
                total, features[-1], retain_graph=True, allow_unused=True
            )
            heats.append(_heat(features[-1].detach(), gradient, layer))
        return scores.detach(), *heats

    def run(images: NDArray[Any], classes: NDArray[np.int32]) -> list[Outputs]:
        device = next((v.value.device for v in classifier.model.variables), None)
        if device is None or device.type != "cuda":
            return [look(images, classes)]
        pinned = torch.empty(images.shape, dtype=getattr(torch, images.dtype.name), pin_memory=True)
        pinned.numpy()[...] = images
        return [look(pinned.to(device, non_blocking=True), classes)]

    return run


def _heat(features: Any, gradient: Any, layer: SpatialLayer) -> Any:
    """Return M = ReLU(Σ_k α_k A^k), α_k the gradient's mean over rows and columns; 0 for NaN, ∞."""
    from keras import ops

    if gradient is None:
        raise InputError(
            f"layer {printable(layer.path)}: the scores do not depend on it; "
            "choose another with --layer"
        )
    features, gradient = (
        ops.cast(layer.channels_last(value), "float32") for value in (features, gradient)
    )
    heat = ops.relu(ops.einsum("nhwk,nk->nhw", features, ops.mean(gradient, axis=(1, 2))))
    return ops.where(ops.isfinite(heat), heat, 0.0)


_BACKENDS: dict[str, Callable[[Network, SpatialLayer | None], Run]] = {
    "tensorflow": _tensorflow,
    "jax": _jax,
    "torch": _torch,
}

"""A loaded model as the audit sees it: RGB bytes in, scores before softmax out."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import UsageError
from auditor.models.door import Door
from auditor.models.ending import calling, ends_in, one_at_a_time, stepped_behind
from auditor.models.input_range import InputRange
from auditor.models.layout import is_channels_first
from auditor.models.originals import Original
from auditor.text import printable

_LEAST = float(np.finfo(np.float32).tiny)

LUMA = ((0.299,), (0.587,), (0.114,))
"""What a gray model is fed of red, green and blue (ITU-R 601)."""


@dataclass(frozen=True)
class SpatialLayer:
    """A layer whose output has rows and columns.

    Attributes:
        path: Its name, with the names of the models around it: `backbone/conv5`.
        layer: The Keras layer, or a graph's `Tap`.
        grid: (height, width) of its output.
        node: In a graph, name of the node whose output it is; another name for it.
        channels_first: Whether its output is (n, channels, h, w).
        channels: How many features each cell has.
    """

    path: str
    layer: Any
    grid: tuple[int, int]
    node: str = ""
    channels_first: bool = False
    channels: int = 0

    @property
    def kind(self) -> str:
        """What it is: the class of a Keras layer, the operator of a graph's node."""
        return str(getattr(self.layer, "kind", type(self.layer).__name__))

    def channels_last(self, output: Any) -> Any:
        """Return its output as (n, h, w, channels)."""
        from keras import ops

        return ops.transpose(output, (0, 2, 3, 1)) if self.channels_first else output


@dataclass(frozen=True)
class Classifier:
    """A Keras image classifier with a known door and a known last step.

    Attributes:
        model: The Keras model.
        door: How an image goes into it; a model of gray images is fed ITU-R 601 luma.
        classes: Number of classes.
        softmax: Whether the model ends in a softmax or sigmoid, which `scores` steps behind.
        probabilities: Whether it gives probabilities all the same, of which `scores` takes the
            logarithms: the scores before a softmax, but for what all classes have in common.
        input_range: How bytes become the model's numbers.
        format: The model file's format.
        graph_file: The ONNX file whose graph the model is; None for a Keras file.
        originals: How others run the file that the model was read from.
        output: Name of the output that is audited, where one was chosen.
        whole: The Keras model with outputs beside that one; None where there are none.
    """

    model: Any
    door: Door
    classes: int
    softmax: bool
    input_range: InputRange
    format: str = "keras"
    graph_file: Path | None = None
    originals: tuple[Original, ...] = ()
    probabilities: bool = False
    output: str = ""
    whole: Any = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that images are given in."""
        return self.door.size

    @property
    def channels(self) -> int:
        """3, or 1 for a model of gray images."""
        return self.door.channels

    @property
    def one_number(self) -> bool:
        """Whether the model gives one number for two classes."""
        return math.prod(map(int, self.model.outputs[0].shape[1:])) == 1

    @property
    def log_odds(self) -> bool:
        """Whether that is taken for the log-odds of class 1."""
        return self.one_number and not self.softmax

    def fed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the numbers that the model takes of (n, h, w, 3) images, in its own shape."""
        pixels = images.astype(np.float32)
        if self.channels == 1:
            pixels = np.round(pixels @ np.array(LUMA, np.float32))
        numbers = self.door.through(self.input_range.applied(pixels), np)
        return np.asarray(numbers, np.float32)

    def scores(self, images: Any, training: bool = False) -> Any:
        """Return (n, classes) scores before softmax of (n, h, w, 3) images, uint8 or 0 to 255.

        Built from backend operations: call it inside a compiled function. A gray model's luma is
        rounded, as of bytes, and an input of whole numbers takes none but them, unless the images
        are floating point: gradients do not pass a rounding.

        Args:
            images: The images.
            training: Whether the layers do as in training: BatchNormalization takes its statistics
                from these images and learns them, Dropout drops.
        """
        import keras
        from keras import ops

        pixels = ops.cast(images, "float32")
        exact = not keras.backend.is_float_dtype(keras.backend.standardize_dtype(images.dtype))
        if self.channels == 1:
            luma = ops.convert_to_tensor(LUMA, "float32")
            pixels = ops.matmul(pixels, luma)
            if exact:
                pixels = ops.round(pixels)
        door = nullcontext() if exact else _taking_floats(self.model)
        with one_at_a_time, door:
            return self.scores_of(self.door.through(self.input_range.apply(pixels), ops), training)

    def scores_of(self, prepared: Any, training: bool = False) -> Any:
        """Return what `scores` does, of numbers as the model takes them, in its own shape."""
        behind = stepped_behind(self.model) if self.softmax else nullcontext()
        with one_at_a_time, behind:
            return self.finished(self.model(prepared, training=training))

    @cached_property
    def compiled(self) -> dict[Any, Any]:
        """What was compiled of it so far, whoever compiled it; nothing in a copy with changes."""
        return {}

    @property
    def takes(self) -> tuple[tuple[int | None, ...], str]:
        """Shape and type of what `scores` takes."""
        return (None, *self.size, 3), "uint8"

    def finished(self, outputs: Any) -> Any:
        """Return (n, classes) float32 scores of what the model gives; of one number, two."""
        from keras import ops

        scores = ops.cast(outputs, "float32")
        if len(scores.shape) != 2:  # axes of length 1 beside the classes'
            scores = ops.reshape(scores, (-1, 1 if self.one_number else self.classes))
        if self.probabilities:
            scores = ops.log(ops.maximum(scores, _LEAST))
        if self.one_number:
            scores = ops.concatenate([-scores, scores], axis=-1)
        return scores

    def outputs(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return what the model itself gives of (n, classes) scores."""
        from keras import activations, ops

        given = scores[:, 1:] if self.one_number else scores
        if self.probabilities:
            return np.asarray(np.exp(given))
        if not self.softmax:
            return given
        act = activations.get(ends_in(self.model))
        return np.asarray(ops.convert_to_numpy(act(ops.convert_to_tensor(given))))

    def spatial_layers(self) -> list[SpatialLayer]:
        """Return the layers whose output has rows and columns, in the order they run."""
        found: dict[int, SpatialLayer] = {}

        def record(path: str, layer: Any) -> Callable[[Any], Any]:
            def watch(output: Any) -> Any:
                shape = tuple(getattr(output, "shape", ()))
                first = len(shape) == 4 and is_channels_first(layer)
                grid = shape[2:4] if first else shape[1:3]
                if len(shape) == 4 and grid[0] * grid[1] > 1:
                    found.pop(id(layer), None)
                    cells, node = (int(grid[0]), int(grid[1])), getattr(layer, "node", "")
                    deep = int(shape[1 if first else 3])
                    found[id(layer)] = SpatialLayer(path, layer, cells, node, first, deep)
                return output

            return watch

        leaves = list(_leaves(self.model))
        with watched([(layer, record(path, layer)) for path, layer in leaves]):
            rehearse(self.scores, (1, *self.size, 3))
        return list(found.values())

    def spatial_layer(self, name: str | None) -> SpatialLayer | None:
        """Return the layer to read heatmaps at.

        Args:
            name: Its path or, where that is unique, its bare name or its node's; None for the
                last one.

        Returns:
            None when the model has no spatial layer and none was asked for.

        Raises:
            UsageError: No spatial layer has that name; lists those there are.
        """
        layers = self.spatial_layers()
        if name is None:
            return layers[-1] if layers else None
        matches = [s for s in layers if s.path == name] or [
            s for s in layers if name in (s.node, s.path.rsplit("/", 1)[-1])
        ]
        if len(matches) == 1:
            return matches[0]
        if not layers:
            raise UsageError(
                f"--layer {printable(name)}: the model has no layer with rows and columns; run "
                "again without --layer"
            )
        names = ", ".join(printable(s.path, 60) for s in (matches or layers)[-12:])
        problem = "several layers" if matches else "no spatial layer"
        raise UsageError(
            f"--layer {printable(name)}: {problem} of that name; choose one of: {names}"
        )


@contextmanager
def _taking_floats(model: Any) -> Iterator[None]:
    """While open, inputs of whole numbers take floating point too, in nested models as well."""
    models = [layer for layer in model._flatten_layers() if hasattr(layer, "inputs")]
    whole = [t for each in models for t in each.inputs or () if "int" in t.dtype]
    doors = [*whole, *(tensor._keras_history.operation for tensor in whole)]
    before = [door._dtype for door in doors]
    graphs = [layer for layer in model.layers if not getattr(layer, "takes_floats", True)]
    for door in doors:
        door._dtype = "float32"
    for graph in graphs:
        graph.takes_floats = True
    try:
        yield
    finally:
        for door, dtype in zip(doors, before, strict=True):
            door._dtype = dtype
        for graph in graphs:
            graph.takes_floats = False


def rehearse(scores: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    """Call `scores` on black images; under JAX for the shapes alone, where nothing needs numbers.

    JAX would compile every single operation.
    """
    import keras

    black = np.zeros(shape, np.uint8)
    if keras.backend.backend() == "jax":
        import jax

        try:
            with keras.StatelessScope():
                jax.eval_shape(scores, black)
            return
        except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
            pass  # a graph works its shapes out of numbers
    scores(black)


@contextmanager
def watched(watchers: list[tuple[Any, Callable[[Any], Any]]]) -> Iterator[None]:
    """While open, pass each layer's output through its function, wherever the layer sits.

    The instance's `call` is wrapped, so layers of nested models are reached without rebuilding
    anything. Other threads wait: they would find the wrapped layers.
    """
    with one_at_a_time, ExitStack() as stack:
        for layer, watch in watchers:
            stack.enter_context(calling(layer, _wrap(layer.call, watch)))
        yield


def _wrap(call: Callable[..., Any], watch: Callable[[Any], Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return watch(call(*args, **kwargs))

    return wrapped


def _leaves(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give every layer and every bare operation (`x + y`), inside nested models and graphs too."""
    for layer in getattr(model, "operations", model.layers):
        if hasattr(layer, "taps"):
            yield from ((tap.name, tap) for tap in layer.taps)
        elif hasattr(layer, "layers"):
            yield from _leaves(layer, f"{prefix}{layer.name}/")
        else:
            yield prefix + layer.name, layer

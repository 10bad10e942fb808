"""An ONNX graph as one Keras layer: its weights are the layer's, and `fit` trains them."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from auditor.errors import InputError
from auditor.models.onnx.graph import Graph, ended
from auditor.models.onnx.logit import ends_in_sum
from auditor.models.onnx.node import Node
from auditor.models.onnx.run import run, spatial
from auditor.models.onnx.types import converted
from auditor.models.onnx.values import Tensor, Value, data


class Tap:
    """A tensor of a graph that heatmaps can be read at; to the audit it is like a layer.

    Attributes:
        name: The tensor's name.
        node: Name of the node that makes it.
        kind: That node's operator.
    """

    def __init__(self, name: str, node: str, kind: str) -> None:
        self.name, self.node, self.kind = name, node, kind

    def call(self, features: Any) -> Any:
        """Pass on (n, h, w, channels) features; who watches puts a function of theirs here."""
        return features


class GraphLayer(keras.Layer):  # type: ignore[misc]
    """Interprets a graph with `keras.ops`.

    Attributes:
        graph: The graph.
        taps: Every tensor with rows and columns, in the order they are computed.
        activation: What ends the graph, as a Keras activation; the audit steps behind it.
        classes: Numbers an image gets.
        takes_floats: Whether images need not be whole numbers: gradients do not pass these.
    """

    def __init__(self, graph: Graph, image: tuple[int, ...]) -> None:
        """Make the weights.

        Args:
            graph: The graph.
            image: Shape of one image, channels last.

        Raises:
            InputError: A node cannot be run.
        """
        super().__init__(name="graph")
        self._variables_of = {
            name: self.add_weight(
                name=f"w{number}",
                shape=value.shape,
                dtype="float64" if value.dtype == np.float64 else "float32",
                autocast=False,
                initializer=_given(value),
                trainable=name in graph.weights,
            )
            for number, (name, value) in enumerate((graph.weights | graph.statistics).items())
        }
        self._types = {n: v.dtype.name for n, v in (graph.weights | graph.statistics).items()}
        self.graph = graph
        self.taps: tuple[Tap, ...] = ()
        self._by_name: dict[str, Tap] = {}
        self.takes_floats = graph.takes != "uint8"
        self.graph, self.taps, self.classes = self._rehearsed(image)
        self._by_name = {tap.name: tap for tap in self.taps}
        self.activation = keras.activations.get(self.graph.activation)
        self.built = True

    def call(self, images: Any) -> Any:
        """Return (n, classes) of (n, h, w, c) images."""
        return ops.cast(self.activation(self._scores(self._run(images))), "float32")

    def compute_output_spec(self, images: Any) -> Any:
        """Say what `call` gives, without running it."""
        return keras.KerasTensor((images.shape[0], self.classes), dtype="float32")

    def tail(self, nodes: tuple[Node, ...], tap: Tap, features: Any) -> Any:
        """Return (n, classes) before the activation, of what some node made of the images.

        Args:
            nodes: The graph's nodes after that one.
            tap: The tensor that the features are.
            features: (n, channels, h, w).
        """
        stored = tap.call(ops.transpose(features, (0, 2, 3, 1)))
        values = {**self._known(), tap.name: Tensor(stored, last=True)}
        return self._scores(run(nodes, values, instead=self._instead))

    def _scores(self, env: dict[str, Value]) -> Any:
        return ops.reshape(data(env[self.graph.output]), (-1, self.classes))

    @property
    def ends_in_sum(self) -> bool:
        """Whether its scores are weighted sums."""
        return ends_in_sum(self.graph)

    def weight(self, name: str) -> Any:
        """Return the variable that holds a tensor of the graph; None where none does."""
        return self._variables_of.get(name)

    def weight_values(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return name → numbers of every weight and statistic, in float32 or float64."""
        return {n: np.asarray(ops.convert_to_numpy(v)) for n, v in self._variables_of.items()}

    def values(self, times: int, image: tuple[int, ...]) -> dict[str, Value]:
        """Return name → value of a run on black images, so many times those of the file."""
        shape = (times * (self.graph.batch or 1), *image)
        return self._run(ops.zeros(shape, "float32"))

    def _run(self, images: Any, watch: Any = None) -> dict[str, Value]:
        values = self._known()
        # Channels last is how images come: as the same tensor, read in the graph's order.
        takes = self.graph.takes
        if takes == "uint8" and self.takes_floats:
            takes = "float32"
        given = converted(Tensor(images, last=self.graph.channels_first), takes)
        values[self.graph.input] = given
        return run(self.graph.nodes, values, watch or self._tapped, self._instead)

    @property
    def _instead(self) -> dict[str, str]:
        """In mixed precision, what is float32 elsewhere is computed in fewer bits."""
        return {} if self.compute_dtype == "float32" else {"float32": self.compute_dtype}

    def _known(self) -> dict[str, Value]:
        weights = {
            n: converted(Tensor(ops.convert_to_tensor(v)), self._types[n])
            for n, v in self._variables_of.items()
        }
        return {**self.graph.constants, **weights}

    def _tapped(self, node: Node, name: str, value: Value) -> Value:
        tap = self._by_name.get(name)
        if tap is None or not isinstance(value, Tensor):
            return value
        return Tensor(tap.call(value.channels_last()), last=True)

    def _rehearsed(self, image: tuple[int, ...]) -> tuple[Graph, tuple[Tap, ...], int]:
        """Run once on black images of the number that the file asks for; say what was seen."""
        fixed = self.graph.batch
        taps: list[Tap] = []
        shapes: set[tuple[Any, ...]] = set()

        def see(node: Node, name: str, value: Value) -> Value:
            # What was reshaped, and has the shape of features again, is features again: exporters
            # write a normalization over groups like this.
            if isinstance(value, Tensor) and value.shape[1:] in shapes:
                value = Tensor(value.channels_last(), last=True)
            if isinstance(value, Tensor) and spatial(value):
                shapes.add(value.shape[1:])
                taps.append(Tap(name, node.name, node.op))
            return value

        images = ops.zeros((fixed or 1, *image), "float32")
        env = self._run(images, see)
        graph = self.graph
        if fixed:
            graph = replace(graph, nodes=tuple(_declared(node, env, graph) for node in graph.nodes))
        classes = _classes(env[graph.output], fixed or 1)
        graph = ended(graph, lambda name: _shape(env[name]))
        left = {name for node in graph.nodes for name in node.outputs}
        return graph, tuple(tap for tap in taps if tap.name in left), classes


def _classes(output: Value, images: int) -> int:
    """Return how many numbers an image gets, whatever other axes of length 1 there are.

    Raises:
        InputError: They are no list.
    """
    shape = _shape(output)
    wide = [size for size in shape[1:] if size != 1]
    if len(shape) < 2 or shape[0] != images or len(wide) > 1:
        raise InputError(
            f"not an image classifier: its output has the shape {shape} where images are {images}, "
            f"expected ({images}, classes) with a score for each class"
        )
    return wide[0] if wide else 1


def _shape(value: Value) -> tuple[int, ...]:
    return tuple(int(size) for size in value.shape) if isinstance(value, Tensor) else ()


def _declared(node: Node, env: dict[str, Value], graph: Graph) -> Node:
    """Return a node with its first input's shape, if another shape in it is written in the file."""
    first = env[node.inputs[0]] if node.inputs else None
    written = node.op == "Concat" or all(name in graph.constants for name in node.inputs[1:])
    if not written or not isinstance(first, Tensor):
        return node
    return replace(node, declared=first.shape, batch=graph.batch)


def _given(value: np.ndarray[Any, Any]) -> Any:
    return lambda shape, dtype: ops.convert_to_tensor(value, dtype)

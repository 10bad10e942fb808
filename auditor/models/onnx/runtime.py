"""A graph run by ONNX Runtime where nothing is trained: the fastest way on a CPU.

Everything up to the layer that heatmaps are read at is ONNX Runtime's; what follows is small, and
run by the `GraphLayer`, since gradients are wanted of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.models.classifier import Classifier, SpatialLayer
from auditor.models.onnx.file import updated
from auditor.models.onnx.graph import Graph
from auditor.models.onnx.layer import GraphLayer
from auditor.models.onnx.node import Node
from auditor.models.onnx.types import dtype_of
from auditor.models.weights import weights_sha256

Forward = Callable[[NDArray[np.uint8]], NDArray[Any]]
Run = Callable[[NDArray[np.float32]], NDArray[Any]]
"""Takes (n, h, w, channels) numbers as the model does."""


@dataclass(frozen=True)
class Head:
    """What follows a layer, as a network of its own: features in, scores out.

    Attributes:
        classifier: Whose head it is.
        layer: The `GraphLayer`.
        tap: The tensor that it begins at.
        nodes: The graph's nodes from there on.
        takes: Shape and type of the features, (n, channels, h, w).
    """

    classifier: Classifier
    layer: GraphLayer
    tap: SpatialLayer
    nodes: tuple[Node, ...]
    takes: tuple[tuple[int | None, ...], str]

    @property
    def model(self) -> Any:
        """The whole model, whose weights these are."""
        return self.classifier.model

    def scores(self, features: Any) -> Any:
        """Return (n, classes) scores before softmax of (n, channels, h, w) features."""
        return self.classifier.finished(self.layer.tail(self.nodes, self.tap.layer, features))


def fast_forward(
    classifier: Classifier, tap: SpatialLayer | None
) -> tuple[Forward, Head | None] | None:
    """Return a graph's way through ONNX Runtime, and its head.

    It is opened anew where the weights are others than before, since ONNX Runtime keeps a copy.

    Args:
        classifier: A model that is a graph.
        tap: Where heatmaps are read; None for scores alone.

    Returns:
        A function of (n, h, w, 3) images that gives scores, or the features at `tap` and what makes
        scores of them. None where ONNX Runtime is not installed or cannot run it, or where the
        graph takes a fixed number of images or other ways lead around the layer. That it computes
        the same is for `measure/parity.py` to see, on images of the audit.
    """
    opened = _session(classifier, tap)
    if opened is None:
        return None
    run, head = opened
    return (lambda images: run(classifier.fed(images))), head


def fast_scores(classifier: Classifier) -> Run | None:
    """Return ONNX Runtime's way from prepared numbers to scores; None as for `fast_forward`."""
    opened = _session(classifier, None)
    return opened[0] if opened else None


def _session(classifier: Classifier, tap: SpatialLayer | None) -> tuple[Run, Head | None] | None:
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        return None
    (layer,) = (each for each in classifier.model.layers if isinstance(each, GraphLayer))
    weights, key = weights_sha256(layer), ("ONNX Runtime", tap)
    if classifier.compiled.get(key, ("", None))[0] != weights:
        classifier.compiled[key] = weights, _opened(classifier, layer, tap)
    found: tuple[Run, Head | None] | None = classifier.compiled[key][1]
    return found


def _opened(
    classifier: Classifier, layer: GraphLayer, tap: SpatialLayer | None
) -> tuple[Run, Head | None] | None:
    import onnxruntime

    nodes = _after(layer.graph, tap.path) if tap else ()
    if layer.graph.batch or nodes is None:
        return None
    wanted = tap.path if tap else layer.graph.output
    assert classifier.graph_file
    proto = updated(classifier.model, classifier.graph_file)
    _end_at(proto, wanted)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        run = _run(layer.graph, session)
        found = run(np.zeros((1, *classifier.size, classifier.channels), np.float32))
    except Exception:  # whatever ONNX Runtime raises for a graph that it cannot run
        return None
    if tap is None:
        return lambda prepared: _scores(classifier, run(prepared)), None
    return run, Head(classifier, layer, tap, nodes, ((None, *found.shape[1:]), found.dtype.name))


def _run(graph: Graph, session: Any) -> Run:
    def run(prepared: NDArray[np.float32]) -> NDArray[Any]:
        (given,) = session.run(None, {graph.input: _turned(graph, prepared)})
        return np.asarray(given)

    return run


def fed(classifier: Classifier, graph: Graph, images: NDArray[np.uint8]) -> NDArray[Any]:
    """Return what a graph takes of (n, h, w, 3) images: prepared, in its order and type."""
    return _turned(graph, classifier.fed(images))


def _turned(graph: Graph, prepared: NDArray[np.float32]) -> NDArray[Any]:
    pixels = prepared
    if graph.channels_first:
        pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return pixels.astype(dtype_of(graph.takes), copy=False)


def _scores(classifier: Classifier, given: NDArray[Any]) -> NDArray[np.float32]:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(classifier.finished(given.reshape(len(given), -1))))


def _after(graph: Graph, name: str) -> tuple[Node, ...] | None:
    """Return the nodes that make the output of a tensor; None if they need something else too."""
    known = {name, "", *graph.constants, *graph.weights, *graph.statistics}
    reached, nodes = {name}, []
    for node in graph.nodes:
        if reached & set(node.inputs):
            reached.update(node.outputs)
            nodes.append(node)
    if graph.output not in reached:
        return None
    own = known | reached
    return tuple(nodes) if all(i in own for node in nodes for i in node.inputs) else None


def _end_at(proto: Any, name: str) -> None:
    """Make a tensor the graph's only output, and drop what it does not need."""
    from onnx import ValueInfoProto

    wanted, kept = {name}, []
    for node in reversed(proto.graph.node):
        if wanted & set(node.output):
            wanted.update(node.input)
            kept.append(node)
    del proto.graph.node[:], proto.graph.output[:]
    proto.graph.node.extend(reversed(kept))
    proto.graph.output.append(ValueInfoProto(name=name))  # of whatever type the graph gives it
    unused = [t for t in proto.graph.initializer if t.name not in wanted]
    for tensor in unused:
        proto.graph.initializer.remove(tensor)

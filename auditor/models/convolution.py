"""The last convolution of a classifier: where its channels can be watched and silenced."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.models.classifier import Classifier, SpatialLayer


@dataclass(frozen=True)
class Convolution:
    """A convolution, with the BatchNormalization that follows it where there is one.

    Attributes:
        seen: Where its channels are watched: behind both.
        weights: Variables that make the channels, each with the axis that counts them; where all of
            a channel's are 0, the channel is.
        channels: How many there are.
    """

    seen: SpatialLayer
    weights: tuple[tuple[Any, int], ...]
    channels: int


def last_convolution(classifier: Classifier) -> Convolution | None:
    """Return the last one whose output has rows and columns; None where there is none."""
    layers = classifier.spatial_layers()
    find = _in_graph if classifier.graph_file else _in_layers
    return next(find(classifier, layers[::-1]), None)


def _in_layers(classifier: Classifier, layers: list[SpatialLayer]) -> Iterator[Convolution]:
    """Give the convolutions of a Keras model, the last first."""
    followers = {id(_before(found.layer)): found for found in layers if _normalizes(found.layer)}
    for found in layers:
        kernel = getattr(found.layer, "pointwise_kernel", getattr(found.layer, "kernel", None))
        if kernel is None or len(kernel.shape) != 4 or kernel.shape[3] == 1:
            continue
        behind = followers.get(id(found.layer))
        own = [(kernel, 3), (getattr(found.layer, "bias", None), 0)]
        if behind:
            own += [(behind.layer.gamma, 0), (behind.layer.beta, 0)]
        yield Convolution(
            behind or found,
            tuple((variable, axis) for variable, axis in own if variable is not None),
            kernel.shape[3],
        )


def _normalizes(layer: Any) -> bool:
    return type(layer).__name__ == "BatchNormalization"


def _before(layer: Any) -> Any:
    """Return the operation whose output a layer takes, where the model's graph tells."""
    nodes = getattr(layer, "_inbound_nodes", [])
    tensors = nodes[0].input_tensors if nodes else []
    return tensors[0]._keras_history.operation if tensors else None


def _in_graph(classifier: Classifier, layers: list[SpatialLayer]) -> Iterator[Convolution]:
    """Give the convolutions of an ONNX graph, the last first."""
    graph_layer = next(layer for layer in classifier.model.layers if hasattr(layer, "taps"))
    makers = {node.outputs[0]: node for node in graph_layer.graph.nodes}
    takers = {
        node.inputs[0]: node for node in graph_layer.graph.nodes if node.op == "BatchNormalization"
    }
    places = {found.path: found for found in layers}
    for found in layers:
        conv = makers[found.path]
        if conv.op != "Conv" or conv.get("group", 1) != 1:
            continue
        behind = takers.get(found.path)
        names = [*conv.inputs[1:], *(behind.inputs[1:3] if behind else ())]
        weights = [(graph_layer.weight(name), 0) for name in names]
        known = tuple((variable, axis) for variable, axis in weights if variable is not None)
        if known:
            seen = places[behind.outputs[0]] if behind else found
            yield Convolution(seen, known, int(known[0][0].shape[0]))

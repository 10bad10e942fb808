"""Normalizations; BatchNormalization in its form for inference."""

from typing import Any

import keras
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.axes import stored
from auditor.models.onnx.operators.spreading import added, each
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Unknown, Value, data, tensor


def batch_normalization(
    node: Node, x: Value, scale: Value, bias: Value, mean: Value, variance: Value
) -> Tensor:
    """BatchNormalization: one multiplication and one addition a channel."""
    trains = node.get("training_mode", 0) if node.opset >= 14 else any(node.outputs[1:])
    if trains:
        raise Unknown("in training mode, where images depend on each other")
    if not node.get("spatial", 1):
        raise Unknown("with statistics of each pixel")
    image = tensor(x)
    gamma, beta, mu, var = (data(v, image.dtype) for v in (scale, bias, mean, variance))
    slope = gamma * ops.rsqrt(var + node.get("epsilon", 1e-5))
    return Tensor(image.channels_last() * slope + (beta - mu * slope), last=image.rank > 2)


def instance_normalization(node: Node, x: Value, scale: Value, bias: Value) -> Tensor:
    """InstanceNormalization: each channel of each image over its rows and columns."""
    image = tensor(x)
    axes = tuple(range(1, image.rank - 1))
    normal, _, _ = _normal(image.channels_last(), axes, node.get("epsilon", 1e-5))
    return Tensor(normal * data(scale, image.dtype) + data(bias, image.dtype), last=image.rank > 2)


def group_normalization(node: Node, x: Value, scale: Value, bias: Value) -> Tensor:
    """GroupNormalization; before version 21 each group is scaled, since then each channel."""
    image = tensor(x)
    stored_image = image.channels_last()
    groups, channels = node.get("num_groups"), stored_image.shape[-1]
    sizes = tuple(stored_image.shape[1:-1])
    grouped = ops.reshape(stored_image, (-1, *sizes, groups, channels // groups))
    axes = (*range(1, image.rank - 1), image.rank)
    normal, _, _ = _normal(grouped, axes, node.get("epsilon", 1e-5))
    slope, offset = data(scale, image.dtype), data(bias, image.dtype)
    if node.opset < 21:
        slope, offset = (ops.repeat(v, channels // groups) for v in (slope, offset))
    normal = ops.reshape(normal, (-1, *sizes, channels))
    return Tensor(normal * slope + offset, last=image.rank > 2)


def layer_normalization(
    node: Node, x: Value, scale: Value, bias: Value = None
) -> tuple[Tensor, Tensor, Tensor]:
    """LayerNormalization; the mean and the inverse deviation are in float32."""
    given = tensor(x)
    axes = stored(given, list(range(node.get("axis", -1) % given.rank, given.rank)))
    normal, mean, inverse = _normal(given.data, axes, node.get("epsilon", 1e-5))
    result = each(ops.multiply, Tensor(normal, given.last), scale)
    if bias is not None:
        result = each(added, result, bias)
    return result, Tensor(mean, given.last), Tensor(inverse, given.last)


def rms_normalization(node: Node, x: Value, scale: Value) -> Tensor:
    """RMSNormalization: a LayerNormalization that leaves the mean where it is."""
    given = tensor(x)
    axes = stored(given, list(range(node.get("axis", -1) % given.rank, given.rank)))
    exact = _at_least_float32(given.data)
    squares = ops.mean(ops.square(exact), axes, keepdims=True)
    normal = exact * ops.rsqrt(squares + node.get("epsilon", 1e-5))
    return each(ops.multiply, Tensor(ops.cast(normal, given.dtype), given.last), scale)


def lp_normalization(node: Node, x: Value) -> Tensor:
    """LpNormalization; where all are 0 they stay so."""
    given = tensor(x)
    axis = given.stored_axis(node.get("axis", -1))
    if node.get("p", 2) == 1:
        norm = ops.sum(ops.abs(given.data), axis, keepdims=True)
    else:
        squares = ops.sum(ops.square(given.data), axis, keepdims=True)
        # The square root has no gradient at 0: keep it away from there.
        norm = ops.sqrt(ops.where(squares == 0, ops.ones_like(squares), squares))
    return Tensor(given.data / ops.where(norm == 0, ops.ones_like(norm), norm), given.last)


def mean_variance_normalization(node: Node, x: Value) -> Tensor:
    """MeanVarianceNormalization."""
    given = tensor(x)
    axes = stored(given, node.get("axes", [0, 2, 3]))
    centred = given.data - ops.mean(given.data, axes, keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(centred), axes, keepdims=True))
    return Tensor(centred / (deviation + 1e-9), given.last)


def local_response(node: Node, x: Value) -> Tensor:
    """LRN: each number over the squares of the channels beside it."""
    image = tensor(x)
    size = node.get("size")
    before = (size - 1) // 2
    channels_last = image.channels_last()
    edges = [*[(0, 0)] * (image.rank - 1), (before, size - 1 - before)]
    squares = ops.pad(ops.square(channels_last), edges)
    channels = channels_last.shape[-1]
    total = sum(squares[..., i : i + channels] for i in range(size))
    scale = node.get("bias", 1.0) + node.get("alpha", 1e-4) / size * total
    return Tensor(channels_last / ops.power(scale, node.get("beta", 0.75)), last=image.rank > 2)


def _normal(x: Any, axes: tuple[int, ...], epsilon: float) -> tuple[Any, Any, Any]:
    """Return numbers with mean 0 and deviation 1, what their mean was, and 1 ÷ their deviation.

    Half the digits are not enough for a variance: it is computed in float32.
    """
    exact = _at_least_float32(x)
    mean = ops.mean(exact, axes, keepdims=True)
    centred = exact - mean
    inverse = ops.rsqrt(ops.mean(ops.square(centred), axes, keepdims=True) + epsilon)
    return ops.cast(centred * inverse, x.dtype), mean, inverse


def _at_least_float32(x: Any) -> Any:
    return x if keras.backend.standardize_dtype(x.dtype) == "float64" else ops.cast(x, "float32")


OPERATORS: Table = {
    "BatchNormalization": batch_normalization,
    "InstanceNormalization": instance_normalization,
    "GroupNormalization": group_normalization,
    "LayerNormalization": layer_normalization,
    "RMSNormalization": rms_normalization,
    "LpNormalization": lp_normalization,
    "MeanVarianceNormalization": mean_variance_normalization,
    "LRN": local_response,
}

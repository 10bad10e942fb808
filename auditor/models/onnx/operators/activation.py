"""Activations: each number on its own, and softmax over axes."""

from typing import Any

from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.layout import with_one_open
from auditor.models.onnx.operators.pointwise import plainly
from auditor.models.onnx.operators.spreading import each
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Value, tensor


def leaky_relu(node: Node, x: Value) -> Tensor:
    """LeakyRelu."""
    slope = node.get("alpha", 0.01)
    return each(lambda v: ops.where(v < 0, slope * v, v), x)


def elu(node: Node, x: Value) -> Tensor:
    """Elu."""
    return each(lambda v: _exponential(v, node.get("alpha", 1.0)), x)


def selu(node: Node, x: Value) -> Tensor:
    """Selu."""
    alpha = node.get("alpha", 1.6732632423543772)
    gamma = node.get("gamma", 1.0507009873554805)
    return each(lambda v: gamma * _exponential(v, alpha), x)


def celu(node: Node, x: Value) -> Tensor:
    """Celu: an Elu without a kink, whatever alpha."""
    alpha = node.get("alpha", 1.0)
    if alpha > 0:
        return each(lambda v: alpha * _exponential(v / alpha, 1.0), x)
    return each(lambda v: ops.relu(v) + ops.minimum(alpha * ops.expm1(v / alpha), 0), x)


def hard_sigmoid(node: Node, x: Value) -> Tensor:
    """HardSigmoid."""
    slope, offset = node.get("alpha", 0.2), node.get("beta", 0.5)
    return each(lambda v: ops.clip(slope * v + offset, 0, 1), x)


def swish(node: Node, x: Value) -> Tensor:
    """Swish."""
    return each(lambda v: v * ops.sigmoid(node.get("alpha", 1.0) * v), x)


def gelu(node: Node, x: Value) -> Tensor:
    """Gelu, exact or by the hyperbolic tangent."""
    approximate = node.get("approximate", "none") == "tanh"
    return each(lambda v: ops.gelu(v, approximate=approximate), x)


def thresholded_relu(node: Node, x: Value) -> Tensor:
    """ThresholdedRelu."""
    threshold = node.get("alpha", 1.0)
    return each(lambda v: ops.where(v > threshold, v, ops.zeros_like(v)), x)


def shrink(node: Node, x: Value) -> Tensor:
    """Shrink."""
    edge, bias = node.get("lambd", 0.5), node.get("bias", 0.0)

    def shrunk(v: Any) -> Any:
        inside = ops.where(v > edge, v - bias, ops.zeros_like(v))
        return ops.cast(ops.where(v < -edge, v + bias, inside), v.dtype)

    return each(shrunk, x)


def softmax(node: Node, x: Value) -> Tensor:
    """Softmax."""
    given = tensor(x)
    axes = _axes(node, given)
    if len(axes) == 1:
        return Tensor(ops.softmax(given.data, axes[0]), given.last)
    raised = ops.exp(_lowered(given, axes))
    return Tensor(raised / ops.sum(raised, axes, keepdims=True), given.last)


def log_softmax(node: Node, x: Value) -> Tensor:
    """LogSoftmax."""
    given = tensor(x)
    axes = _axes(node, given)
    if len(axes) == 1:
        return Tensor(ops.log_softmax(given.data, axes[0]), given.last)
    lowered = _lowered(given, axes)
    total = ops.sum(ops.exp(lowered), axes, keepdims=True)
    return Tensor(lowered - ops.log(total), given.last)


def hardmax(node: Node, x: Value) -> Tensor:
    """Hardmax: 1 for the first of the largest, 0 for the others."""
    given = tensor(x)
    axes = _axes(node, given)
    if len(axes) == 1:
        length = given.data.shape[axes[0]]
        best = ops.argmax(given.data, axes[0])
        return Tensor(ops.one_hot(best, length, axes[0], dtype=given.dtype), given.last)
    plain, first = given.plain(), given.rank - len(axes)
    length = int(ops.size(plain[0])) if first == 1 else _length(plain, first)
    rows = ops.reshape(plain, (-1, length))
    hard = ops.one_hot(ops.argmax(rows, -1), length, dtype=given.dtype)
    return Tensor(ops.reshape(hard, with_one_open(list(given.shape))))


def _length(plain: Any, first: int) -> int:
    length = 1
    for dim in plain.shape[first:]:
        length *= dim
    return length


def _axes(node: Node, x: Tensor) -> tuple[int, ...]:
    """Return the stored axes; before version 13 all from `axis` on are one."""
    if node.opset >= 13:
        return (x.stored_axis(node.get("axis", -1)),)
    first = node.get("axis", 1) % x.rank
    return tuple(x.stored_axis(axis) for axis in range(first, x.rank))


def _lowered(x: Tensor, axes: tuple[int, ...]) -> Any:
    """Return the data less its largest number, so that nothing overflows."""
    return x.data - ops.stop_gradient(ops.max(x.data, axes, keepdims=True))


def _exponential(v: Any, alpha: float) -> Any:
    """Return v where it is positive, else alpha · (eᵛ - 1); neither way overflows the other."""
    return ops.where(v > 0, v, alpha * ops.expm1(ops.minimum(v, 0)))


OPERATORS: Table = {
    "Relu": plainly(ops.relu),
    "LeakyRelu": leaky_relu,
    "PRelu": plainly(lambda x, slope: ops.where(x < 0, slope * x, x)),
    "Elu": elu,
    "Selu": selu,
    "Celu": celu,
    "Sigmoid": plainly(ops.sigmoid),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": plainly(lambda x: x * ops.clip(x / 6 + 0.5, 0, 1)),
    "Swish": swish,
    "Tanh": plainly(ops.tanh),
    "Softplus": plainly(ops.softplus),
    "Softsign": plainly(ops.softsign),
    "Mish": plainly(lambda x: x * ops.tanh(ops.softplus(x))),
    "Gelu": gelu,
    "ThresholdedRelu": thresholded_relu,
    "Shrink": shrink,
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "Hardmax": hardmax,
}

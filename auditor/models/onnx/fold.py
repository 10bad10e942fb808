"""Work out nodes whose inputs are all known, with ONNX' own reference implementation.

Where a dimension is not known yet (an object in the array), a handful of operators carry it on.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from auditor.models.onnx.node import Node
from auditor.models.onnx.values import Host, is_symbolic

_RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli"}


def folds(node: Node) -> bool:
    """Whether a node gives the same for the same inputs."""
    return node.op not in _RANDOM


def fold(node: Node, inputs: list[NDArray[Any] | None]) -> list[Host]:
    """Return a node's outputs, all of its inputs on the host."""
    if any(is_symbolic(value) for value in inputs):
        return [_known_again(SYMBOLIC[node.op](node, *inputs))]
    evaluator, names = _evaluator(node.proto.SerializeToString(), node.opset)
    given = {f"i{i}": value for i, value in enumerate(inputs) if value is not None}
    return [np.asarray(value) for value in evaluator.run(names, given, {})]


def settled(value: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in the types that are computed with: every float is a float32."""
    if np.issubdtype(value.dtype, np.floating) or value.dtype.name == "bfloat16":
        return value.astype(np.float32)
    return value


@lru_cache(maxsize=4096)
def _evaluator(serialized: bytes, opset: int) -> tuple[ReferenceEvaluator, list[str]]:
    from onnx import NodeProto

    proto = NodeProto.FromString(serialized)
    inputs = [f"i{i}" if name else "" for i, name in enumerate(proto.input)]
    outputs = [f"o{i}" for i, _ in enumerate(proto.output)]
    del proto.input[:], proto.output[:]
    proto.input.extend(inputs)
    proto.output.extend(outputs)
    opsets = [helper.make_opsetid("", opset)]
    function = helper.make_function(
        "auditor", "fold", [name for name in inputs if name], outputs, [proto], opsets
    )
    return ReferenceEvaluator(function), outputs


def _known_again(value: Any) -> Host:
    """Return an array of objects as whole numbers, where all of them are."""
    array = np.asarray(value, object)
    if all(isinstance(x, int | np.integer) for x in array.flat):
        return array.astype(np.int64)
    return array


def _axes(node: Node, axes: Host | None) -> tuple[int, ...]:
    given = node.get("axes") if axes is None else axes.reshape(-1).tolist()
    return tuple(int(axis) for axis in given)


def _slice(
    node: Node, x: Host, starts: Host | None = None, ends: Host | None = None,
    axes: Host | None = None, steps: Host | None = None,
) -> Host:  # fmt: skip
    first = node.get("starts") if starts is None else starts.tolist()
    last = node.get("ends") if ends is None else ends.tolist()
    where = node.get("axes", [0]) if axes is None else axes.tolist()
    step = [1] * len(first) if steps is None else steps.tolist()
    cut = [slice(None)] * x.ndim
    for axis, start, end, by in zip(where, first, last, step, strict=False):
        cut[axis] = slice(int(start), int(end), int(by))
    return x[tuple(cut)]


def _divided(node: Node, x: Host, y: Host) -> Any:
    return np.asarray(x, object) // np.asarray(y, object)


def _equal(node: Node, x: Host, y: Host) -> Host:
    """What is not known is a number of images: never 0, nor -1."""
    pairs = np.broadcast(np.asarray(x, object), np.asarray(y, object))
    known = [isinstance(a, int) and isinstance(b, int) and a == b for a, b in pairs]
    return np.array(known, bool).reshape(pairs.shape)


def _gather(node: Node, x: Host, indices: Host) -> Any:
    return np.take(x, np.asarray(indices, np.int64), axis=node.get("axis", 0))


SYMBOLIC: dict[str, Callable[..., Any]] = {
    "Add": lambda node, x, y: np.asarray(x, object) + np.asarray(y, object),
    "Cast": lambda node, x: x,
    "Concat": lambda node, *parts: np.concatenate(
        [np.asarray(p, object) for p in parts], node.get("axis", 0)
    ),
    "Div": _divided,
    "Equal": _equal,
    "Gather": _gather,
    "Identity": lambda node, x: x,
    "Mul": lambda node, x, y: np.asarray(x, object) * np.asarray(y, object),
    "Reshape": lambda node, x, shape: np.reshape(x, np.asarray(shape, np.int64)),
    "Shape": lambda node, x: np.array(x.shape, np.int64),
    "Slice": _slice,
    "Squeeze": lambda node, x, axes=None: np.squeeze(
        x, _axes(node, axes) if axes is not None or node.get("axes") else None
    ),
    "Sub": lambda node, x, y: np.asarray(x, object) - np.asarray(y, object),
    "Unsqueeze": lambda node, x, axes=None: np.expand_dims(x, _axes(node, axes)),
    "Where": lambda node, condition, x, y: np.where(
        condition, np.asarray(x, object), np.asarray(y, object)
    ),
}
"""Operators that shapes with an unknown dimension go through."""

"""Work out nodes whose inputs are all known, with ONNX' own reference implementation.

Where a dimension is not known yet (an object in the array), a handful of operators carry it on.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from auditor.models.onnx.corrected import CORRECTED
from auditor.models.onnx.node import Node
from auditor.models.onnx.types import converted, result_types, type_of
from auditor.models.onnx.values import Host, is_symbolic

_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
_RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli"}


def folds(node: Node) -> bool:
    """Whether a node gives the same for the same inputs."""
    return node.op not in _RANDOM


def fold(node: Node, inputs: list[NDArray[Any] | None]) -> list[Host]:
    """Return a node's outputs, all of its inputs on the host."""
    if any(is_symbolic(value) for value in inputs):
        result = SYMBOLIC[node.op](node, *inputs)
        parts = [_known_again(part) for part in (result if isinstance(result, list) else [result])]
        kinds = result_types(node, [type_of(value) for value in inputs])
        return [converted(part, kind) for part, kind in zip(parts, kinds, strict=False)]  # type: ignore[misc]
    evaluator, names = _evaluator(node.proto.SerializeToString(), node.opset)
    given = {f"i{i}": value for i, value in enumerate(inputs) if value is not None}
    return [np.asarray(value) for value in evaluator.run(names, given, {})]


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
    return ReferenceEvaluator(function, new_ops=CORRECTED), outputs


def _known_again(value: Any) -> Host:
    """Return an array of objects as numbers, where all of them are."""
    array = value if isinstance(value, np.ndarray) else _objects([value], ())
    if all(isinstance(x, bool | np.bool_) for x in array.flat):
        return array.astype(bool)
    if all(isinstance(x, int | np.integer) for x in array.flat):
        return array.astype(np.int64)
    if all(isinstance(x, int | float | np.number) for x in array.flat):
        return array.astype(np.float32)
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


def _cast(node: Node, x: Host) -> Any:
    """What is not known is a whole number, and stays one."""
    is_float = node.get("to") in _FLOATS
    known = [(float(v) if is_float else int(v)) if _known(v) else v for v in x.flat]
    return _objects(known, x.shape)


def _divided(node: Node, x: Host, y: Host) -> Any:
    pairs = np.broadcast(np.asarray(x, object), np.asarray(y, object))
    return _objects([_quotient(a, b) for a, b in pairs], pairs.shape)


def _quotient(a: Any, b: Any) -> Any:
    """What is not known is divided without a rest, or it was refused (`onnx/apart.py`)."""
    if _known(a) and _known(b):
        return a / b if isinstance(a, float) or isinstance(b, float) else a // b
    return a // (int(b) if _known(b) else b)


def _split(node: Node, x: Host, sizes: Host | None = None) -> Any:
    given = node.get("split") if sizes is None else sizes.tolist()
    count = node.get("num_outputs", len(node.outputs))
    cuts = np.cumsum(given)[:-1] if given is not None else -(-len(x) // count) * np.arange(1, count)
    return np.split(x, cuts)


def _rounded(how: Callable[[Any], int], x: Host) -> Any:
    return _objects([float(how(v)) if isinstance(v, float) else v for v in x.flat], x.shape)


def _objects(values: list[Any], shape: tuple[int, ...]) -> Host:
    array = np.empty(len(values), object)
    for i, value in enumerate(values):  # at once, NumPy would look into a backend's scalar
        array[i] = value
    return array.reshape(shape)


def _known(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def _equal(node: Node, x: Host, y: Host) -> Host:
    """What is not known is a number of images: never 0, nor -1."""
    pairs = np.broadcast(np.asarray(x, object), np.asarray(y, object))
    known = [isinstance(a, int) and isinstance(b, int) and a == b for a, b in pairs]
    return np.array(known, bool).reshape(pairs.shape)


def _gather(node: Node, x: Host, indices: Host) -> Any:
    return np.take(x, np.asarray(indices, np.int64), axis=node.get("axis", 0))


SYMBOLIC: dict[str, Callable[..., Any]] = {
    "Add": lambda node, x, y: np.asarray(x, object) + np.asarray(y, object),
    "Cast": _cast,
    "Ceil": lambda node, x: _rounded(math.ceil, x),
    "Concat": lambda node, *parts: np.concatenate(
        [np.asarray(p, object) for p in parts], node.get("axis", 0)
    ),
    "Div": _divided,
    "Equal": _equal,
    "Floor": lambda node, x: _rounded(math.floor, x),
    "Gather": _gather,
    "Identity": lambda node, x: x,
    "Mod": lambda node, x, y: np.asarray(x, object) % np.asarray(y, object),
    "Mul": lambda node, x, y: np.asarray(x, object) * np.asarray(y, object),
    "ReduceProd": lambda node, x, axes=None: _objects(
        [math.prod(x.flat)], (1,) * x.ndim if node.get("keepdims", 1) else ()
    ),
    "Reshape": lambda node, x, shape: np.reshape(x, np.asarray(shape, np.int64)),
    "Shape": lambda node, x: np.array(x.shape, np.int64),
    "Slice": _slice,
    "Split": _split,
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

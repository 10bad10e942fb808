"""Numbers looked up by where they are, and put where they belong."""

import math
from typing import Any

import numpy as np
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.axes import without
from auditor.models.onnx.operators.layout import with_one_open
from auditor.models.onnx.operators.spreading import common
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Unknown, Value, data, integers, is_host, tensor

_REDUCTIONS = {"none": None, "add": "add", "mul": "mul", "max": "max", "min": "min"}


def gather(node: Node, x: Value, indices: Value) -> Tensor:
    """Gather."""
    given, axis = tensor(x), node.get("axis", 0)
    where = given.stored_axis(axis)
    wanted = _positive(indices, given.shape[axis])
    rank = len(wanted.shape)
    if rank == 1:
        return Tensor(ops.take(given.data, wanted, where), given.last)
    if rank == 0:
        return without(given, [axis], ops.take(given.data, wanted, where))
    return Tensor(ops.take(given.plain(), wanted, axis))


def gather_elements(node: Node, x: Value, indices: Value) -> Tensor:
    """GatherElements."""
    given, axis = tensor(x), node.get("axis", 0)
    wanted = _positive(indices, given.shape[axis])
    plain, axis = given.plain(), axis % given.rank
    # ONNX may look up fewer along the other axes.
    cut = [slice(None) if i == axis else slice(n) for i, n in enumerate(wanted.shape)]
    return Tensor(ops.take_along_axis(plain[tuple(cut)], ops.convert_to_tensor(wanted), axis))


def gather_nd(node: Node, x: Value, indices: Value) -> Tensor:
    """GatherND: look up by coordinates, in each of the first `batch_dims` axes' entries."""
    given, batch = tensor(x), node.get("batch_dims", 0)
    dims, wanted = given.shape, tensor(indices).plain()
    depth = wanted.shape[-1]
    inner, rest = dims[batch : batch + depth], dims[batch + depth :]
    if not all(isinstance(d, int) for d in inner):
        raise Unknown
    place = _flat(wanted, inner)
    if batch:
        if not all(isinstance(d, int) for d in dims[:batch]):
            raise Unknown
        count = math.prod(dims[:batch])
        first = np.arange(count).reshape(dims[:batch]) * math.prod(inner)
        first = first.reshape((*first.shape, *[1] * (len(place.shape) - batch)))
        place = place + ops.cast(first, place.dtype)
    return Tensor(ops.take(ops.reshape(given.plain(), with_one_open([-1, *rest])), place, 0))


def scatter_elements(node: Node, x: Value, indices: Value, updates: Value) -> Tensor:
    """ScatterElements, of old Scatter."""
    given = tensor(x)
    axis, dims = node.get("axis", 0) % given.rank, given.shape
    wanted = _positive(indices, dims[axis])
    if not all(isinstance(d, int) for d in wanted.shape):
        raise Unknown
    grid = [ops.convert_to_tensor(g.reshape(-1), "int32") for g in np.indices(wanted.shape)]
    grid[axis] = ops.reshape(ops.cast(wanted, "int32"), (-1,))
    new = ops.reshape(data(updates, common(updates, (given,))), (-1,))
    return _scattered(node, given, ops.stack(grid, -1), new)


def scatter_nd(node: Node, x: Value, indices: Value, updates: Value) -> Tensor:
    """ScatterND."""
    given = tensor(x)
    wanted = tensor(indices).plain()
    depth = wanted.shape[-1]
    dims = given.shape
    if not all(isinstance(d, int) for d in dims):
        raise Unknown
    limits = ops.cast(np.asarray(dims[:depth]), wanted.dtype)
    wanted = ops.reshape(ops.where(wanted < 0, wanted + limits, wanted), (-1, depth))
    new = ops.reshape(data(updates, common(updates, (given,))), (-1, *dims[depth:]))
    return _scattered(node, given, wanted, new)


def one_hot(node: Node, indices: Value, depth: Value, values: Value) -> Tensor:
    """OneHot; what is out of reach is never on."""
    (count,) = integers(depth)
    given = tensor(indices)
    off, on = (tensor(values).data[i] for i in (0, 1))
    place = ops.cast(given.plain(), "int64")
    place = ops.where(place < 0, place + count, place)
    axis = node.get("axis", -1) % (given.rank + 1)
    shape = [count if i == axis else 1 for i in range(given.rank + 1)]
    classes = np.arange(count).reshape(shape)  # PyTorch's `one_hot` takes none out of reach
    hot = ops.equal(ops.expand_dims(place, axis), ops.cast(classes, place.dtype))
    return Tensor(ops.where(hot, on, off))


def _positive(indices: Value, length: Any) -> Any:
    """Return indices with those from the end counted from the beginning."""
    if is_host(indices):
        host = np.asarray(indices, np.int64)
        if not (host < 0).any():
            return host.astype(np.int32)
        if not isinstance(length, int):
            raise Unknown
        return np.where(host < 0, host + length, host).astype(np.int32)
    wanted = tensor(indices).plain()
    return ops.where(wanted < 0, wanted + ops.cast(length, wanted.dtype), wanted)


def _flat(wanted: Any, dims: tuple[int, ...]) -> Any:
    """Return coordinates on the last axis as places in memory."""
    steps = [math.prod(dims[i + 1 :]) for i in range(len(dims))]
    limits = ops.cast(np.asarray(dims), wanted.dtype)
    positive = ops.where(wanted < 0, wanted + limits, wanted)
    return ops.sum(positive * ops.cast(np.asarray(steps), wanted.dtype), -1)


def _scattered(node: Node, x: Tensor, places: Any, updates: Any) -> Tensor:
    reduction = _REDUCTIONS[node.get("reduction", "none")]
    return Tensor(ops.scatter_update(x.plain(), places, updates, reduction=reduction))


OPERATORS: Table = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "Scatter": scatter_elements,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "OneHot": one_hot,
}

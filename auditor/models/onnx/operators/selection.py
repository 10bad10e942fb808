"""Tensors cut into parts, and put together."""

from typing import Any

import numpy as np
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.axes import listed
from auditor.models.onnx.operators.spreading import common
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Unknown, Value, integers, tensor

_END = 2**31 - 1


def concat(node: Node, *values: Value) -> Tensor:
    """Concat; what was made for one image (a class token) is repeated for each."""
    parts = [tensor(value, common(value, values)) for value in values]
    last = any(part.last for part in parts)
    axis = node.get("axis", 1) % parts[0].rank
    parts = _alike(parts, axis)
    where = Tensor(parts[0].channels_last(), True).stored_axis(axis) if last else axis
    return Tensor(
        ops.concatenate([p.channels_last() if last else p.data for p in parts], where), last
    )


def _alike(parts: list[Tensor], axis: int) -> list[Tensor]:
    """Return parts that differ in `axis` only, those of length 1 elsewhere repeated."""
    shapes = [part.shape for part in parts]
    most = [next((d for d in dims if not _one(d)), 1) for dims in zip(*shapes, strict=True)]
    alike = []
    for part, dims in zip(parts, shapes, strict=True):
        wanted = [*most[:axis], dims[axis], *most[axis + 1 :]]
        if any(_one(d) and not _one(w) for d, w in zip(dims, wanted, strict=True)):
            part = Tensor(ops.broadcast_to(part.plain(), tuple(wanted)))
        alike.append(part)
    return alike


def _one(dim: Any) -> bool:
    return isinstance(dim, int | np.integer) and dim == 1


def split(node: Node, x: Value, sizes: Value = None) -> tuple[Tensor, ...]:
    """Split; where no sizes are given, into equal parts, the last one maybe smaller."""
    given = tensor(x)
    axis = given.stored_axis(node.get("axis", 0))
    parts = listed(node, "split", sizes)
    if parts is None:
        length, count = given.data.shape[axis], node.get("num_outputs", len(node.outputs))
        if length is None:
            raise Unknown
        largest = -(-length // count)
        parts = [largest] * (count - 1) + [length - largest * (count - 1)]
    cuts = tuple(int(cut) for cut in np.cumsum(parts[:-1]))
    return tuple(Tensor(part, given.last) for part in ops.split(given.data, cuts, axis))


def slice_(
    node: Node,
    x: Value,
    starts: Value = None,
    ends: Value = None,
    axes: Value = None,
    steps: Value = None,
) -> Tensor:
    """Slice."""
    given = tensor(x)
    first, last = listed(node, "starts", starts) or [], listed(node, "ends", ends) or []
    along = listed(node, "axes", axes) or list(range(len(first)))
    by = [1] * len(first) if steps is None else integers(steps)
    data, dims = given.data, given.shape
    cut = [slice(None)] * given.rank
    for axis, start, end, step in zip(along, first, last, by, strict=True):
        where, length = given.stored_axis(axis), dims[axis]
        if step < 0:  # PyTorch has no negative steps
            data = ops.flip(data, where)
        cut[where] = _cut(start, end, step, length)
    return Tensor(data[tuple(cut)], given.last)


def _cut(start: Any, end: Any, step: int, length: Any) -> slice:
    """Return what to take of an axis, which is turned around first for a negative step."""
    if all(isinstance(v, int) for v in (start, end, length)):
        seen = range(length)[slice(start, end, step)]
        if not seen:
            return slice(0, 0)
        begin, stop = sorted((seen[0], seen[-1]))
        if step < 0:
            begin, stop = length - 1 - stop, length - 1 - begin
        return slice(begin, stop + 1, abs(step))
    if step < 0:
        raise Unknown
    return slice(start, None if isinstance(end, int) and end >= _END else end, step)


OPERATORS: Table = {"Concat": concat, "Split": split, "Slice": slice_}

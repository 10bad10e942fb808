"""What makes a tensor larger: repetition and padding."""

from typing import Any

import numpy as np
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.axes import listed
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Unknown, Value, integers, is_host, tensor


def expand(node: Node, x: Value, shape: Value) -> Tensor:
    """Expand, as NumPy spreads arrays over each other."""
    given, wanted = tensor(x), integers(shape)
    dims = given.shape
    rank = max(len(dims), len(wanted))
    fixed = node.declared or dims
    dims, fixed = ((1,) * (rank - len(d)) + tuple(d) for d in (dims, fixed))
    wanted = [1] * (rank - len(wanted)) + wanted
    # An axis longer than 1 stays as it is; a file made for two images asks for two.
    new = [
        w if _is_one(f) and _is_one(d) else d for w, f, d in zip(wanted, fixed, dims, strict=True)
    ]
    if rank == given.rank and all(a is b or _equal(a, b) for a, b in zip(new, dims, strict=True)):
        return given
    return Tensor(ops.broadcast_to(given.plain(), tuple(new)))


def tile(node: Node, x: Value, repeats: Value) -> Tensor:
    """Tile."""
    given, times = tensor(x), integers(repeats)
    order = np.argsort([given.stored_axis(axis) for axis in range(given.rank)])
    return Tensor(ops.tile(given.data, tuple(times[axis] for axis in order)), given.last)


def pad(
    node: Node, x: Value, pads: Value = None, value: Value = None, axes: Value = None
) -> Tensor:
    """Pad; a negative padding cuts."""
    given = tensor(x)
    amounts = listed(node, "pads", pads) or []
    if not all(isinstance(amount, int) for amount in amounts) or not is_host(value):
        raise Unknown
    along = list(range(len(amounts) // 2)) if axes is None else integers(axes)
    edges = [(0, 0)] * given.rank
    for i, axis in enumerate(along):
        edges[given.stored_axis(axis)] = (amounts[i], amounts[i + len(along)])
    data = _cut(given.data, edges)
    edges = [(max(before, 0), max(after, 0)) for before, after in edges]
    mode = node.get("mode", "constant")
    if mode == "constant":
        filling = node.get("value", 0.0) if value is None else np.asarray(value).item()
        return Tensor(_filled(data, edges, filling), given.last)
    for axis, edge in enumerate(edges):
        if any(edge):
            # Padding copies: on every backend alike, and with a gradient, as a look-up.
            source = np.pad(np.arange(data.shape[axis], dtype=np.int32), edge, mode)
            data = ops.take(data, source, axis)
    return Tensor(data, given.last)


def _cut(data: Any, edges: list[tuple[int, int]]) -> Any:
    if all(min(edge) >= 0 for edge in edges):
        return data
    return data[tuple(slice(max(-b, 0), -max(-a, 0) or None) for b, a in edges)]


def _filled(data: Any, edges: list[tuple[int, int]], value: Any) -> Any:
    if not any(map(any, edges)):
        return data
    return ops.pad(data, edges, constant_values=value)


def _is_one(dim: Any) -> bool:
    return isinstance(dim, int | np.integer) and dim == 1


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, int) and isinstance(other, int) and one == other


OPERATORS: Table = {"Expand": expand, "Tile": tile, "Pad": pad}

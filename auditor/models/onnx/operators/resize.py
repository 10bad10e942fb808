"""Resize: one axis after the other, each by one multiplication with a matrix.

That is exact, differentiable, and the same on every backend, whose own functions for it know only
some of ONNX' ways to interpolate.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.interpolation import How, matrix
from auditor.models.onnx.operators.layout import with_one_open
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Unknown, Value, is_host, tensor


def resize(
    node: Node, x: Value, roi: Value = None, scales: Value = None, sizes: Value = None
) -> Tensor:
    """Resize."""
    if node.opset < 11:
        roi, scales = None, roi
    given, how = tensor(x), How.of(node)
    if not given.is_float and how.mode != "nearest":
        raise Unknown("whole numbers in between, which every program rounds its own way")
    axes = [axis % given.rank for axis in node.get("axes") or range(given.rank)]
    region = _numbers(roi) or [0.0] * len(axes) + [1.0] * len(axes)
    data = given.data if given.is_float else ops.cast(given.data, "float32")
    for i, length, scale, wanted in _plan(node, given, axes, _numbers(scales), _numbers(sizes)):
        cut = (float(region[i]), float(region[i + len(axes)]))
        if wanted == length and math.isclose(scale, 1) and cut == (0, 1):
            continue
        weights, outside = matrix(how, length, wanted, scale, cut)
        where = given.stored_axis(axes[i])
        data = _multiplied(data, where, weights)
        if outside.any():
            spread = outside.reshape([-1 if a == where else 1 for a in range(given.rank)])
            data = data + ops.cast(spread * node.get("extrapolation_value", 0.0), data.dtype)
    return Tensor(data if given.is_float else ops.cast(data, given.dtype), given.last)


def upsample(node: Node, x: Value, scales: Value = None) -> Tensor:
    """Upsample, what Resize was once."""
    factors = np.asarray(node.get("scales"), np.float32) if scales is None else scales
    return resize(node, x, factors) if node.opset < 11 else resize(node, x, None, factors)


def _plan(
    node: Node, x: Tensor, axes: list[int], scales: list[Any], sizes: list[Any]
) -> Iterator[tuple[int, int, float, int]]:
    """Give what to do: position in `axes`, length, scale, and length thereafter.

    The number of images stays, whether it is known or the file was made for another one.
    """
    dims = x.shape
    policy = node.get("keep_aspect_ratio_policy", "stretch")
    kept = [a == 0 and _keeps_images(node, dims[0], sizes, i) for i, a in enumerate(axes)]
    if sizes and policy != "stretch":
        ratios = [sizes[i] / dims[a] for i, a in enumerate(axes) if not kept[i]]
        scale = min(ratios) if policy == "not_larger" else max(ratios)
        for i, axis in enumerate(axes):
            if not kept[i]:
                yield i, dims[axis], scale, int(scale * dims[axis] + 0.5)
        return
    for i, axis in enumerate(axes):
        if kept[i] or scales and scales[i] == 1:
            continue
        length = dims[axis]
        if not isinstance(length, int):
            raise Unknown
        if sizes:
            yield i, length, sizes[i] / length, int(sizes[i])
        else:
            scale = np.float32(scales[i])
            yield i, length, float(scale), int(np.floor(scale * np.float32(length)))


def _keeps_images(node: Node, count: Any, sizes: list[Any], position: int) -> bool:
    if not sizes:
        return False
    wanted = sizes[position]
    fixed = bool(node.declared) and wanted == node.declared[0]
    return not isinstance(wanted, int) or fixed or wanted == count


def _numbers(value: Value) -> list[Any]:
    if not is_host(value):
        raise Unknown
    return [] if value is None else np.asarray(value).reshape(-1).tolist()


def _multiplied(data: Any, axis: int, weights: Any) -> Any:
    """Multiply one axis by a matrix, the axes behind it as one so that nothing is transposed."""
    weights = ops.convert_to_tensor(weights, data.dtype)
    dims = list(ops.shape(data))
    if axis == len(dims) - 1:
        return ops.matmul(data, ops.transpose(weights))
    behind = math.prod(dims[axis + 1 :])
    if not isinstance(behind, int):
        raise Unknown
    rows = ops.matmul(weights, ops.reshape(data, (-1, dims[axis], behind)))
    return ops.reshape(rows, with_one_open([*dims[:axis], weights.shape[0], *dims[axis + 1 :]]))


OPERATORS: Table = {"Resize": resize, "Upsample": upsample}

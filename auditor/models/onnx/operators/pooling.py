"""Pools: over windows that move, and over all rows and columns."""

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.operators.windows import Window
from auditor.models.onnx.values import Tensor, Unknown, Value, tensor


def max_pool(node: Node, x: Value) -> Tensor:
    """MaxPool, without the indices."""
    if any(node.outputs[1:]):
        raise Unknown("with the indices of what it picks")
    image = tensor(x)
    kernel = tuple(node.get("kernel_shape"))
    window = Window.of(node, kernel, image.shape[2:])
    lowest = -math.inf if image.is_float else int(np.iinfo(image.dtype).min)
    stored = window.padded(image.channels_last(), lowest)
    if _keras_can(window, image):
        pooled = ops.max_pool(stored, kernel, window.strides, "valid", "channels_last")
    else:
        pooled = functools.reduce(ops.maximum, _cells(stored, window))
    return Tensor(pooled, last=True)


def average_pool(node: Node, x: Value) -> Tensor:
    """AveragePool; what `ceil_mode` adds never counts as a cell, padding only if it is to."""
    image = tensor(x)
    kernel = tuple(node.get("kernel_shape"))
    window = Window.of(node, kernel, image.shape[2:])
    stored = window.padded(image.channels_last())
    if _keras_can(window, image):
        total = ops.average_pool(stored, kernel, window.strides, "valid", "channels_last")
        total = total * float(np.prod(kernel)) if window.pads else total
    else:
        total = functools.reduce(operator.add, _cells(stored, window))
        total = total if window.pads else total / float(np.prod(kernel))
    if window.pads:
        counts = _counts(window, image.shape[2:], node.get("count_include_pad", 0))
        total = total / ops.convert_to_tensor(counts, total.dtype)
    return Tensor(total, last=True)


def lp_pool(node: Node, x: Value) -> Tensor:
    """LpPool: the norm of each window."""
    image, power = tensor(x), node.get("p", 2)
    window = Window.of(node, tuple(node.get("kernel_shape")), image.shape[2:])
    stored = window.padded(_powers(image.channels_last(), power))
    return Tensor(_root(functools.reduce(operator.add, _cells(stored, window)), power), last=True)


def global_lp_pool(node: Node, x: Value) -> Tensor:
    """GlobalLpPool."""
    image, power = tensor(x), node.get("p", 2)
    powers = _powers(image.channels_last(), power)
    total = ops.sum(powers, tuple(range(1, image.rank - 1)), keepdims=True)
    return Tensor(_root(total, power), last=True)


def _powers(x: Any, power: int) -> Any:
    return ops.power(ops.abs(x), power)


def _root(x: Any, power: int) -> Any:
    return ops.power(x, 1 / power)


def _keras_can(window: Window, image: Tensor) -> bool:
    """Whether Keras' pools can do it on every backend: no dilation, no gaps between windows."""
    gaps = any(s > k for s, k in zip(window.strides, window.kernel, strict=True))
    return image.is_float and max(window.dilations) == 1 and not gaps


def _cells(stored: Any, window: Window) -> list[Any]:
    """Return, for each cell of the window, what all windows see there."""
    counts = [
        (stored.shape[i + 1] - (k - 1) * d - 1) // s + 1
        for i, (k, s, d) in enumerate(
            zip(window.kernel, window.strides, window.dilations, strict=True)
        )
    ]
    cells = []
    for offset in np.ndindex(*window.kernel):
        cut = [
            slice(o * d, o * d + (count - 1) * s + 1, s)
            for o, d, s, count in zip(offset, window.dilations, window.strides, counts, strict=True)
        ]
        cells.append(stored[(slice(None), *cut, slice(None))])
    return cells


def _counts(window: Window, size: tuple[int, ...], include_pad: int) -> Any:
    """Return how many cells each window averages over, (1, rows, columns, 1)."""
    axes = []
    for i, length in enumerate(size):
        padded = np.zeros(window.before[i] + length + window.after[i], np.float32)
        first = 0 if include_pad else window.before[i]
        end = window.before[i] + length + (window.declared_after[i] if include_pad else 0)
        padded[first:end] = 1
        span = (window.kernel[i] - 1) * window.dilations[i] + 1
        starts = range(0, len(padded) - span + 1, window.strides[i])
        axes.append([padded[s : s + span : window.dilations[i]].sum() for s in starts])
    grid = functools.reduce(np.multiply.outer, map(np.asarray, axes))
    return grid[None, ..., None].astype(np.float32)


def over_all(reduce: Callable[..., Any]) -> Callable[[Node, Value], Tensor]:
    """Return a pool over all rows and columns."""

    def pool(node: Node, x: Value) -> Tensor:
        image = tensor(x)
        axes = tuple(range(1, image.rank - 1))
        return Tensor(reduce(image.channels_last(), axis=axes, keepdims=True), last=True)

    return pool


OPERATORS: Table = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalLpPool": global_lp_pool,
    "GlobalAveragePool": over_all(ops.mean),
    "GlobalMaxPool": over_all(ops.max),
}

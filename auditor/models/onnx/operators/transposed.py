"""ConvTranspose: what a convolution's gradient computes, as a convolution of a spread image."""

from typing import Any

from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.convolution import convolved
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.operators.windows import Window
from auditor.models.onnx.values import Tensor, Value, data, tensor


def conv_transpose(node: Node, x: Value, kernel: Value, bias: Value = None) -> Tensor:
    """ConvTranspose: kernels are (in, out ÷ groups, rows, columns)."""
    image = tensor(x)
    weights = data(kernel, image.dtype)
    axes, groups = image.rank - 2, node.get("group", 1)
    size = tuple(weights.shape[2:])
    strides = tuple(node.get("strides") or [1] * axes)
    dilations = tuple(node.get("dilations") or [1] * axes)
    edges = _edges(node, image.shape[2:], size, strides, dilations)
    stored = _spread(image.channels_last(), strides)
    before, after = zip(*edges, strict=True)
    window = Window(size, (1,) * axes, dilations, before, after, after)
    result = convolved(window.padded(stored), _turned(weights, groups), groups, window, "valid")
    if bias is not None:
        result = result + data(bias, image.dtype)
    return Tensor(result, last=True)


def _edges(
    node: Node,
    lengths: tuple[int, ...],
    size: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> list[tuple[int, int]]:
    """Return how much each axis of the spread image is padded, or cut, for the output's length."""
    axes = len(size)
    more = list(node.get("output_padding") or [0] * axes)
    pads = list(node.get("pads") or [0] * (2 * axes))
    shape = node.get("output_shape")
    automatic = node.get("auto_pad", "NOTSET")
    edges = []
    for i in range(axes):
        span = (size[i] - 1) * dilations[i] + 1
        full = strides[i] * (lengths[i] - 1) + span + more[i]
        begin, end = pads[i], pads[axes + i]
        if shape or automatic.startswith("SAME"):
            wanted = shape[-axes:][i] if shape else lengths[i] * strides[i]
            total = max(full - wanted, 0)
            begin = total // 2 if automatic == "SAME_UPPER" else total - total // 2
            end = full - wanted - begin
        edges.append((span - 1 - begin, span - 1 - end + more[i]))
    return edges


def _spread(stored: Any, strides: tuple[int, ...]) -> Any:
    """Return an image with strides - 1 zeros between its rows, its columns and so on."""
    for axis, stride in enumerate(strides, 1):
        length = stored.shape[axis]
        if stride == 1:
            continue
        rank = len(stored.shape) + 1
        edges = [(0, stride - 1) if i == axis + 1 else (0, 0) for i in range(rank)]
        wide = ops.pad(ops.expand_dims(stored, axis + 1), edges)
        dims = stored.shape
        wide = ops.reshape(wide, (-1, *dims[1:axis], length * stride, *dims[axis + 1 :]))
        cut = [slice(None)] * (rank - 1)
        cut[axis] = slice((length - 1) * stride + 1)
        stored = wide[tuple(cut)]
    return stored


def _turned(weights: Any, groups: int) -> Any:
    """Return the kernels as Keras convolves with them: (rows, columns, in ÷ groups, out)."""
    given, filters, *size = weights.shape
    axes = range(2, len(size) + 2)
    weights = ops.flip(weights, tuple(axes))
    parts = ops.reshape(weights, (groups, given // groups, filters, *size))
    order = (*(axis + 1 for axis in axes), 1, 0, 2)
    return ops.reshape(ops.transpose(parts, order), (*size, given // groups, groups * filters))


OPERATORS: Table = {"ConvTranspose": conv_transpose}

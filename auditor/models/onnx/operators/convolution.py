"""Convolution, stored with channels last, which is what a CPU computes fastest."""

from dataclasses import replace
from typing import Any

import keras
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.operators.windows import Window
from auditor.models.onnx.values import Tensor, Value, data, tensor


def conv(node: Node, x: Value, kernel: Value, bias: Value = None) -> Tensor:
    """Conv: kernels are (out, in ÷ groups, rows, columns)."""
    image = tensor(x)
    weights = data(kernel, image.dtype)
    axes = image.rank - 2
    size = tuple(weights.shape[2:])
    window = Window.of(node, size, image.shape[2:])
    weights = ops.transpose(weights, (*range(2, axes + 2), 1, 0))
    stored = image.channels_last()
    padding = "same" if window.is_same and window.pads else "valid"
    if padding == "valid":
        stored = window.padded(stored)
    result = convolved(stored, weights, node.get("group", 1), window, padding)
    if bias is not None:
        result = result + data(bias, image.dtype)
    return Tensor(result, last=True)


def convolved(stored: Any, weights: Any, groups: int, window: Window, padding: str) -> Any:
    """Convolve; TensorFlow's CPU kernels of grouped convolution have no gradient."""
    if max(window.strides) > 1 and max(window.dilations) > 1:  # which Keras does not have at once
        dense = replace(window, strides=(1,) * len(window.strides))
        each = convolved(stored, weights, groups, dense, padding)
        return each[(slice(None), *(slice(None, None, s) for s in window.strides))]
    how = {
        "strides": window.strides,
        "padding": padding,
        "data_format": "channels_last",
        "dilation_rate": window.dilations,
    }
    if groups == 1 or keras.backend.backend() != "tensorflow":
        return ops.conv(stored, weights, **how)
    channels, filters = stored.shape[-1], weights.shape[-1]
    even = len(set(window.strides)) == 1 and (
        max(window.strides) == 1 or max(window.dilations) == 1
    )
    if groups == channels and len(window.kernel) <= 2 and even:
        depthwise = ops.reshape(weights, (*window.kernel, channels, filters // channels))
        return ops.depthwise_conv(stored, depthwise, **how)
    parts = zip(ops.split(stored, groups, -1), ops.split(weights, groups, -1), strict=True)
    return ops.concatenate([ops.conv(part, w, **how) for part, w in parts], -1)


OPERATORS: Table = {"Conv": conv}

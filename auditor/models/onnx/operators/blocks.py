"""Blocks of pixels as channels, and back."""

from typing import Any

from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Value, tensor


def depth_to_space(node: Node, x: Value) -> Tensor:
    """DepthToSpace."""
    stored, block = tensor(x).channels_last(), node.get("blocksize")
    _, height, width, channels = stored.shape
    depth = channels // block**2
    if node.get("mode", "DCR") == "DCR":
        parts, order = (block, block, depth), (0, 1, 3, 2, 4, 5)
    else:
        parts, order = (depth, block, block), (0, 1, 4, 2, 5, 3)
    split = ops.reshape(stored, (-1, height, width, *parts))
    return _whole(ops.transpose(split, order), (height * block, width * block, depth))


def space_to_depth(node: Node, x: Value) -> Tensor:
    """SpaceToDepth."""
    stored, block = tensor(x).channels_last(), node.get("blocksize")
    _, height, width, channels = stored.shape
    rows, columns = height // block, width // block
    split = ops.reshape(stored, (-1, rows, block, columns, block, channels))
    order = (0, 1, 3, 2, 4, 5) if node.get("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    return _whole(ops.transpose(split, order), (rows, columns, channels * block**2))


def _whole(data: Any, size: tuple[int, int, int]) -> Tensor:
    return Tensor(ops.reshape(data, (-1, *size)), last=True)


OPERATORS: Table = {"DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth}

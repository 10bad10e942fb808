"""Which axes an operator works on, and where they are once some of them are gone or come."""

from typing import Any

from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.values import Tensor, Value, integers


def listed(node: Node, name: str, given: Value = None) -> list[int] | None:
    """Return whole numbers that are an attribute in older operator sets and an input in newer.

    Args:
        node: The node.
        name: The attribute's name.
        given: The input, where there is one.

    Returns:
        The numbers; None where they are left out.

    Raises:
        Unknown: They depend on what is computed.
    """
    numbers = node.get(name) if given is None else integers(given)
    return None if numbers is None else list(numbers)


def stored(x: Tensor, axes: list[int]) -> tuple[int, ...]:
    """Return where ONNX' axes are stored."""
    return tuple(x.stored_axis(axis) for axis in axes)


def without(x: Tensor, axes: list[int], result: Any) -> Tensor:
    """Return what an operator made of a tensor's storage when it left axes out.

    Args:
        x: What it worked on.
        axes: ONNX' axes that the result has no longer.
        result: The bare data, the other axes in the order in which `x` stores them.
    """
    gone = {axis % x.rank for axis in axes}
    left = x.rank - len(gone)
    if not x.last or 1 in gone or left <= 1:
        return Tensor(result)
    if 0 not in gone:
        return Tensor(result, last=left > 2)
    return Tensor(ops.transpose(result, (left - 1, *range(left - 1))))


def with_new(x: Tensor, axes: list[int]) -> Tensor:
    """Return a tensor with axes of length 1 added, ONNX' numbers of them in the result."""
    rank = x.rank + len(axes)
    added = sorted(axis % rank for axis in axes)
    last = x.last and added[0] > 1
    data = x.data if last else x.plain()
    for axis in added:
        data = ops.expand_dims(data, axis - 1 if last else axis)
    return Tensor(data, last)

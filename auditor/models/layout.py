"""Where the channels of an operation's output are, in a Keras model: last, or before the rows."""

from typing import Any

_FIRST = (0, 3, 1, 2)


def is_channels_first(operation: Any) -> bool:
    """Whether an operation gives (n, channels, h, w).

    A layer that says nothing of it (a normalization, an activation, a sum) gives what it is given;
    what is turned or cut anew has its channels last, unless it is turned just so.

    Args:
        operation: Of a model; a tensor of a graph, which is always read channels last.
    """
    while True:
        order = getattr(operation, "data_format", None)
        if order is not None:
            return bool(order == "channels_first")
        kind = type(operation).__name__
        if kind == "Permute":
            return (0, *operation.dims) == _FIRST
        if kind == "Transpose":
            return tuple(operation.axes or ()) == _FIRST
        nodes = getattr(operation, "_inbound_nodes", [])
        given = [t for t in (nodes[0].input_tensors if nodes else []) if len(t.shape) == 4]
        if kind == "Reshape" or not given:
            return False
        operation = given[0]._keras_history.operation

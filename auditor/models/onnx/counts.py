"""Numbers that come from how many images there are: what a graph may do with them.

As a length of tensors they are the same model for any number of images; compared with something, or
as numbers among pixels, they are not. Only what multiplies and divides them exactly is let through,
so that a number that comes from them is one that grows with them, and is told by that.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.models.onnx.node import Node
from auditor.models.onnx.values import Tensor, Value
from auditor.text import printable

Pair = tuple[Value, Value]
"""A value of a run with two images, and of one with three."""

_LENGTHS = {
    "ConstantOfShape": {0},
    "Expand": {1},
    "Reshape": {1},
    "Resize": {3},
    "Slice": {1, 2},
    "Split": {1},
    "Tile": {1},
}
"""Operator → inputs that are lengths."""

_PICKING = {
    "Cast", "Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Shape", "Size",
    "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
}  # fmt: skip
_AFFINE = {
    "Add",
    "Cast",
    "Expand",
    "Identity",
    "Mul",
    "Range",
    "Reshape",
    "Squeeze",
    "Sub",
    "Unsqueeze",
}
"""Operators that places of images, which `Range` counts, go through."""

_NUMBERS_OF = {
    "Range": {1},
    **{op: {0} for op in _PICKING},
    "Concat": set(range(1000)),
    "Mul": {0, 1},
    "Div": {0},
    "ReduceProd": {0},
    "Floor": {0},
    "Ceil": {0},
    "Where": {1, 2},
}
"""Operator → inputs in which a number of images stays one."""

_NEVER = (0, -1)
"""What no number of images is, so that comparing with it says nothing of them."""


_MOST = {"int32": 2**24, "int64": 2**40, "float32": 2**40, "float64": 2**40}
"""Type → the most that a number of three images may be: with many, it must not begin anew."""


def counted(one: Value, other: Value) -> NDArray[np.bool_] | None:
    """Return which numbers of a host array come from the number of images.

    Returns:
        None where some of them do not grow with it.
    """
    if one is None or other is None or isinstance(one, Tensor) or isinstance(other, Tensor):
        return np.zeros(0, bool)
    if one.shape != other.shape:
        return np.zeros(0, bool) if _is_repeated(one, other) else None
    if one.dtype.kind not in "iuf":
        return np.zeros(one.shape, bool) if np.array_equal(one, other) else None
    differs: NDArray[np.bool_] = (one != other) & ~((one != one) & (other != other))
    grown = one.astype(np.float64) * 3 == other.astype(np.float64) * 2
    most = _MOST.get(one.dtype.name, 0)
    fits = np.abs(other.astype(np.float64)) <= most
    return differs if bool((grown & fits | ~differs).all()) else None


def are_places(one: Value, other: Value) -> bool:
    """Whether host arrays count the images along one axis: 0, 1, 2 …, maybe times and plus more."""
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        return False
    axis = _grown(one, other)
    if axis is None or one.dtype.kind not in "iuf" or _is_repeated(one, other):
        return False
    few, many = np.moveaxis(one, axis, 0), np.moveaxis(other, axis, 0)
    steps = np.diff(many, axis=0)
    return bool((steps == steps[:1]).all() and np.array_equal(few, many[: len(few)]))


def check_numbers(node: Node, pairs: Sequence[Pair]) -> None:
    """Refuse a node that takes a number of images for something else than a length.

    Args:
        node: The node.
        pairs: Its inputs.

    Raises:
        InputError: Names the node.
    """
    allowed = _LENGTHS.get(node.op, set())
    on_host = not any(isinstance(one, Tensor) for one, _ in pairs)
    if on_host or node.op in ("Shape", "Size"):
        allowed = allowed | _NUMBERS_OF.get(node.op, set())
    for place, (one, other) in enumerate(pairs):
        if are_places(one, other):
            if (on_host and node.op in _AFFINE) or (node.op == "Gather" and place == 1):
                continue
            raise _refused(node)
        which = counted(one, other)
        if which is None:
            raise _refused(node)
        if not which.any() or place in allowed:
            continue
        if not (node.op == "Equal" and on_host and _says_nothing(pairs, place, which)):
            raise _refused(node)
    if node.op == "Slice" and any(_differs(pair) for pair in pairs[1:3]):
        _check_slice(node, pairs)
    if node.op == "Tile" and len(pairs) > 1 and _differs(pairs[1]):
        data, times = pairs[0][1], counted(*pairs[1])
        assert data is not None and times is not None
        if any(t and int(n) != 1 for t, n in zip(times.flat, data.shape, strict=False)):
            raise _refused(node)


def check_host(node: Node, inputs: Sequence[Pair], outputs: Sequence[Pair]) -> None:
    """Refuse a node of numbers on the host whose outputs do not grow with the images.

    Raises:
        InputError: Names the node.
    """
    touched = any(_differs(pair) for pair in inputs)
    known = {*_NUMBERS_OF, *_LENGTHS, *_AFFINE, "Equal"}
    if touched and node.op not in known:
        raise _refused(node)
    for one, other in outputs:
        if touched and node.op in _AFFINE and are_places(one, other):
            continue
        if counted(one, other) is None:
            raise _refused(node)
    if node.op in ("Cast", "Floor", "Ceil") and not _is_kept(inputs[0], outputs[0]):
        raise _refused(node)
    if touched and node.op == "Div":
        for one, by in zip(inputs[0], inputs[1], strict=True):
            if np.any(np.mod(np.asarray(one, float), np.asarray(by, float)) != 0):
                raise _refused(node)


def _is_kept(given: Pair, made: Pair) -> bool:
    """Whether rounding leaves numbers of images as they are."""
    if not _differs(given):
        return True
    return all(
        np.asarray(made[run]).dtype.kind in "iuf"
        and np.array_equal(np.asarray(given[run], float), np.asarray(made[run], float))
        for run in (0, 1)
    )


def _check_slice(node: Node, pairs: Sequence[Pair]) -> None:
    """Refuse a cut by the number of images of what is not as long as they are many."""
    axes = pairs[3][1] if len(pairs) > 3 and pairs[3][1] is not None else None
    two, three = pairs[0]
    assert two is not None and three is not None
    for place in (1, 2):
        which = counted(*pairs[place])
        assert which is not None
        where = np.flatnonzero(which)
        for i in where:
            axis = int(axes.flat[i]) if isinstance(axes, np.ndarray) else int(i)
            if int(two.shape[axis]) == int(three.shape[axis]):
                raise _refused(node)


def _says_nothing(pairs: Sequence[Pair], place: int, which: NDArray[np.bool_]) -> bool:
    """Whether a number of images is compared only with what it never is."""
    against = [np.broadcast_to(np.asarray(v), which.shape) for v in pairs[1 - place]
               if np.broadcast(np.asarray(v), which).shape == which.shape]  # fmt: skip
    return len(against) == 2 and all(np.isin(v[which], _NEVER).all() for v in against)


def _differs(pair: Pair) -> bool:
    one, other = pair
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        return False
    return one.shape != other.shape or not np.array_equal(one, other, equal_nan=_is_float(one))


def _is_float(value: NDArray[Any]) -> bool:
    return value.dtype.kind == "f"


def _is_repeated(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether arrays differ in how often they repeat the same along one axis."""
    axis = _grown(one, other)
    if axis is None:
        return False
    first = np.take(one, [0], axis=axis)
    return bool((one == first).all() and (other == first).all())


def _grown(one: NDArray[Any], other: NDArray[Any]) -> int | None:
    """Return the one axis that grows with the images."""
    if one.ndim != other.ndim:
        return None
    grown = [i for i, (a, b) in enumerate(zip(one.shape, other.shape, strict=True)) if a != b]
    if len(grown) != 1 or one.shape[grown[0]] * 3 != other.shape[grown[0]] * 2:
        return None
    return grown[0]


def _refused(node: Node) -> InputError:
    return InputError(
        f"{printable(node.name, 80)}: {node.op}: computes with the number of images in the batch, "
        "so that it would be another model for another number; export the model without it"
    )

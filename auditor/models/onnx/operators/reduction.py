"""Reductions over axes."""

from collections.abc import Callable
from typing import Any

from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.axes import listed, stored, without
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Value, tensor


def reduced(
    reduce: Callable[..., Any],
    before: Callable[[Any], Any] = lambda x: x,
    after: Callable[[Any], Any] = lambda x: x,
) -> Callable[..., Tensor]:
    """Return a reduction.

    Args:
        reduce: From `keras.ops`; takes `axis` and `keepdims`.
        before: Applied to each number.
        after: Applied to each result.
    """

    def operator(node: Node, x: Value, axes: Value = None) -> Tensor:
        given = tensor(x)
        over = listed(node, "axes", axes)
        if not over and node.get("noop_with_empty_axes", 0):
            return Tensor(after(before(given.data)), given.last)
        over = over or list(range(given.rank))
        keep = bool(node.get("keepdims", 1))
        result = after(reduce(before(given.data), axis=stored(given, over), keepdims=keep))
        return Tensor(result, given.last) if keep else without(given, over, result)

    return operator


def best(choose: Callable[..., Any]) -> Callable[[Node, Value], Tensor]:
    """Return ArgMax or ArgMin."""

    def operator(node: Node, x: Value) -> Tensor:
        given = tensor(x)
        axis, keep = node.get("axis", 0), bool(node.get("keepdims", 1))
        where = given.stored_axis(axis)
        if node.get("select_last_index", 0):
            backwards = choose(ops.flip(given.data, where), where, keepdims=keep)
            result = ops.shape(given.data)[where] - 1 - ops.cast(backwards, "int64")
        else:
            result = choose(given.data, where, keepdims=keep)
        result = ops.cast(result, "int64")
        return Tensor(result, given.last) if keep else without(given, [axis], result)

    return operator


def running(accumulate: Callable[..., Any], start: int) -> Callable[..., Tensor]:
    """Return CumSum or CumProd, from what an empty one gives."""

    def operator(node: Node, x: Value, axis: Value) -> Tensor:
        given = tensor(x)
        (number,) = listed(node, "axis", axis) or [0]
        where = given.stored_axis(number)
        data = ops.flip(given.data, where) if node.get("reverse", 0) else given.data
        if node.get("exclusive", 0):
            length = data.shape[where]
            first = ops.take(data, [0], where)
            others = ops.take(data, range(length - 1), where)
            data = ops.concatenate([ops.full_like(first, start), others], where)
        result = ops.cast(accumulate(data, where), given.dtype)
        result = ops.flip(result, where) if node.get("reverse", 0) else result
        return Tensor(result, given.last)

    return operator


def top_k(node: Node, x: Value, k: Value = None) -> tuple[Tensor, Tensor]:
    """TopK, the largest or the smallest."""
    given = tensor(x)
    (count,) = listed(node, "k", k) if k is not None else [node.get("k")]  # type: ignore[misc]
    plain = given.plain()
    axis = node.get("axis", -1)
    turned = ops.moveaxis(plain, axis, -1)
    largest = node.get("largest", 1)
    opposite = ops.negative if given.is_float else ops.bitwise_not  # -x of the least is itself
    values, indices = ops.top_k(turned if largest else opposite(turned), count)
    values = values if largest else opposite(values)
    return (
        Tensor(ops.moveaxis(values, -1, axis)),
        Tensor(ops.moveaxis(ops.cast(indices, "int64"), -1, axis)),
    )


OPERATORS: Table = {
    "ReduceL1": reduced(ops.sum, before=ops.abs),
    "ReduceL2": reduced(ops.sum, before=ops.square, after=ops.sqrt),
    "ReduceLogSum": reduced(ops.sum, after=ops.log),
    "ReduceLogSumExp": reduced(ops.logsumexp),
    "ReduceMax": reduced(ops.max),
    "ReduceMean": reduced(ops.mean),
    "ReduceMin": reduced(ops.min),
    "ReduceProd": reduced(ops.prod),
    "ReduceSum": reduced(ops.sum),
    "ReduceSumSquare": reduced(ops.sum, before=ops.square),
    "ArgMax": best(ops.argmax),
    "ArgMin": best(ops.argmin),
    "CumSum": running(ops.cumsum, 0),
    "CumProd": running(ops.cumprod, 1),
    "TopK": top_k,
}

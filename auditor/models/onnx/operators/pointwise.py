"""Operations on each number: arithmetic, comparisons, logic, trigonometry, rounding."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.spreading import added, each
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Tensor, Value


def plainly(function: Callable[..., Any]) -> Callable[..., Tensor]:
    """Return the operator that applies a function of `keras.ops` to each number."""

    def operator(node: Node, *values: Value) -> Tensor:
        return each(function, *values)

    return operator


def together(function: Callable[[Any, Any], Any]) -> Callable[..., Tensor]:
    """Return the operator that applies a function of two numbers to any number of inputs."""
    return plainly(lambda *parts: functools.reduce(function, parts))


def modulo(node: Node, x: Value, y: Value) -> Tensor:
    """Mod: the sign is the divisor's, or the dividend's with `fmod`."""
    return each(_remainder if node.get("fmod", 0) else ops.mod, x, y)


def is_infinite(node: Node, x: Value) -> Tensor:
    """IsInf, of either sign or of both."""
    negative, positive = node.get("detect_negative", 1), node.get("detect_positive", 1)

    def infinite(v: Any) -> Any:
        wanted = v < 0 if negative else v != v
        wanted = ops.logical_or(wanted, v > 0) if positive else wanted
        return ops.logical_and(ops.isinf(v), wanted)

    return each(infinite, x)


def clip(node: Node, x: Value, low: Value = None, high: Value = None) -> Tensor:
    """Clip; where the limits cross, the upper one holds."""
    limits = (node.get("min"), node.get("max"))
    result = each(lambda v: v, x)
    for limit, given, bound in zip(limits, (low, high), (ops.maximum, ops.minimum), strict=True):
        if given is not None:
            result = each(bound, result, given)
        elif limit is not None:
            result = each(functools.partial(_bounded, bound, limit), result)
    return result


def _bounded(bound: Callable[..., Any], limit: float, v: Any) -> Any:
    return bound(v, ops.cast(limit, v.dtype))


def _divided(x: Any, y: Any) -> Any:
    """Divide; whole numbers are cut towards zero."""
    if keras.backend.is_float_dtype(x.dtype):
        return ops.divide(x, y)
    down = ops.floor_divide(x, y)
    inexact = ops.not_equal(down * y, x)
    return down + ops.cast(ops.logical_and(inexact, ops.not_equal(x < 0, y < 0)), x.dtype)


def _remainder(x: Any, y: Any) -> Any:
    """Return what division leaves, with the dividend's sign; Keras' is wrong for large numbers."""
    return ops.fmod(x, y) if keras.backend.is_float_dtype(x.dtype) else x - _divided(x, y) * y


def _power(x: Any, y: Any) -> Any:
    """Raise to a power; the result has the base's type."""
    if keras.backend.is_float_dtype(x.dtype):
        return ops.power(x, ops.cast(y, x.dtype))
    if keras.backend.is_float_dtype(y.dtype):
        return ops.cast(ops.power(ops.cast(x, y.dtype), y), x.dtype)
    return ops.cast(ops.power(x, ops.cast(y, x.dtype)), x.dtype)


def _mean(*parts: Any) -> Any:
    return functools.reduce(added, parts) / len(parts)


_ARITHMETIC: Table = {
    "Abs": plainly(ops.abs),
    "Add": plainly(added),
    "Clip": clip,
    "Div": plainly(_divided),
    "Erf": plainly(lambda x: ops.erf(ops.clip(x, -10, 10))),  # TensorFlow's of infinity is NaN
    "Exp": plainly(ops.exp),
    "Log": plainly(ops.log),
    "Max": together(ops.maximum),
    "Mean": plainly(_mean),
    "Min": together(ops.minimum),
    "Mod": modulo,
    "Mul": plainly(ops.multiply),
    "Neg": plainly(ops.negative),
    "Pow": plainly(_power),
    "Reciprocal": plainly(lambda x: 1 / x),
    "Sqrt": plainly(ops.sqrt),
    "Sub": plainly(ops.subtract),
    "Sum": together(added),
}
_ROUNDING: Table = {
    "Ceil": plainly(ops.ceil),
    "Floor": plainly(ops.floor),
    "Round": plainly(ops.round),
    "Sign": plainly(ops.sign),
}
_LOGIC: Table = {
    "And": plainly(ops.logical_and),
    "BitwiseAnd": plainly(ops.bitwise_and),
    "BitwiseNot": plainly(ops.bitwise_not),
    "BitwiseOr": plainly(ops.bitwise_or),
    "BitwiseXor": plainly(ops.bitwise_xor),
    "Equal": plainly(ops.equal),
    "Greater": plainly(ops.greater),
    "GreaterOrEqual": plainly(ops.greater_equal),
    "IsInf": is_infinite,
    "IsNaN": plainly(ops.isnan),
    "Less": plainly(ops.less),
    "LessOrEqual": plainly(ops.less_equal),
    "Not": plainly(ops.logical_not),
    "Or": plainly(ops.logical_or),
    "Where": plainly(ops.where),
    "Xor": plainly(ops.logical_xor),
}
_TRIGONOMETRY: Table = {
    "Acos": plainly(ops.arccos),
    "Acosh": plainly(ops.arccosh),
    "Asin": plainly(ops.arcsin),
    "Asinh": plainly(ops.arcsinh),
    "Atan": plainly(ops.arctan),
    "Atanh": plainly(ops.arctanh),
    "Cos": plainly(ops.cos),
    "Cosh": plainly(ops.cosh),
    "Sin": plainly(ops.sin),
    "Sinh": plainly(ops.sinh),
    "Tan": plainly(ops.tan),
}
OPERATORS: Table = {**_ARITHMETIC, **_ROUNDING, **_LOGIC, **_TRIGONOMETRY}

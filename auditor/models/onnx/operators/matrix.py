"""Matrices: products, triangles, the identity."""

from typing import Any

import numpy as np
from keras import ops
from onnx import helper

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.spreading import common
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Host, Tensor, Unknown, Value, data, integers, tensor


def gemm(node: Node, a: Value, b: Value, c: Value = None) -> Tensor:
    """Gemm: alpha · A · B + beta · C."""
    left, right = (data(v, common(v, (a, b))) for v in (a, b))
    left = ops.transpose(left) if node.get("transA", 0) else left
    right = ops.transpose(right) if node.get("transB", 0) else right
    product = _scaled(ops.matmul(left, right), node.get("alpha", 1.0))
    if c is None:
        return Tensor(product)
    more, beta = data(c, common(c, (a, b))), node.get("beta", 1.0)
    return Tensor(product + (_scaled(more, beta) if beta else ops.zeros_like(more)))


def matmul(node: Node, a: Value, b: Value) -> Tensor:
    """MatMul, as NumPy has it."""
    return Tensor(ops.matmul(*(data(v, common(v, (a, b))) for v in (a, b))))


def einsum(node: Node, *values: Value) -> Tensor:
    """Einsum."""
    equation = node.get("equation").replace(" ", "")
    if "->" not in equation:
        equation = f"{equation}->{_implied(equation)}"
    return Tensor(ops.einsum(equation, *(data(v, common(v, values)) for v in values)))


def trilu(node: Node, x: Value, k: Value = None) -> Tensor:
    """Trilu: what is on one side of a diagonal, 0 on the other."""
    plain = tensor(x).plain()
    rows, columns = plain.shape[-2:]
    (diagonal,) = [0] if k is None else integers(k)
    below = np.tri(rows, columns, diagonal - 1 if node.get("upper", 1) else diagonal, bool)
    keep = ~below if node.get("upper", 1) else below
    return Tensor(ops.where(keep, plain, ops.zeros_like(plain)))


def eye_like(node: Node, x: Value) -> Host:
    """EyeLike, which sees the shape only."""
    given = tensor(x)
    rows, columns = given.shape
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise Unknown
    kind = helper.tensor_dtype_to_np_dtype(node.get("dtype")) if node.get("dtype") else None
    return np.eye(rows, columns, node.get("k", 0), dtype=kind or given.dtype)


def _implied(inputs: str) -> str:
    """Return the output that is meant where none is given: what stands once, in order."""
    letters = sorted({c for c in inputs if c.isalpha() and inputs.count(c) == 1})
    return ("..." if "..." in inputs else "") + "".join(letters)


def _scaled(x: Any, factor: float) -> Any:
    return x if factor == 1 else x * ops.cast(factor, x.dtype)


OPERATORS: Table = {
    "Gemm": gemm,
    "MatMul": matmul,
    "Einsum": einsum,
    "Trilu": trilu,
    "EyeLike": eye_like,
}

"""Numbers of one type as numbers of another."""

from typing import Any

import numpy as np
from keras import ops
from onnx import TensorProto, helper

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.values import Host, Tensor, Unknown, Value, tensor

_FLOATS = {
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.BFLOAT16,
    TensorProto.DOUBLE,
}


def cast(node: Node, x: Value) -> Tensor:
    """Cast; there is one floating-point type, so that from one to another nothing changes."""
    given = tensor(x)
    wanted = node.get("to")
    if wanted in _FLOATS:
        return given if given.is_float else Tensor(ops.cast(given.data, "float32"), given.last)
    kind = np.dtype(helper.tensor_dtype_to_np_dtype(wanted))
    if kind.kind not in "biu" or kind.name not in _STANDARD:
        raise Unknown(f"to {TensorProto.DataType.Name(wanted)}")
    return _as(given, kind.name)


def cast_like(node: Node, x: Value, like: Value) -> Tensor | Host:
    """CastLike; what is on the host stays there."""
    if isinstance(x, np.ndarray) and isinstance(like, Tensor):
        return x.astype(np.float32 if like.is_float else like.dtype)
    given, kind = tensor(x), tensor(like).dtype
    if given.is_float and "float" in kind:
        return given
    return _as(given, kind)


def _as(x: Tensor, kind: str) -> Tensor:
    data: Any = ops.not_equal(x.data, 0) if kind == "bool" else ops.cast(x.data, kind)
    return Tensor(data, x.last)


_STANDARD = {"bool"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}

OPERATORS: Table = {"Cast": cast, "CastLike": cast_like}

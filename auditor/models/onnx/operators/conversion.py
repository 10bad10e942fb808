"""Numbers of one type as numbers of another."""

from typing import Any

import numpy as np
from keras import ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.types import COMPUTED, WIDER, converted, stored_type
from auditor.models.onnx.values import Host, Tensor, Unknown, Value, tensor


def cast(node: Node, x: Value) -> Tensor:
    """Cast."""
    kind = stored_type(node.get("to"))
    if kind not in COMPUTED:
        raise Unknown(f"to numbers of type {kind}")
    return _as(tensor(x), kind)


def cast_like(node: Node, x: Value, like: Value) -> Tensor | Host:
    """CastLike; what is on the host stays there."""
    kind = tensor(like).dtype
    if isinstance(x, np.ndarray) and isinstance(like, Tensor):
        return x.astype(kind)
    return _as(tensor(x), kind)


def _as(x: Tensor, kind: str) -> Tensor:
    if kind == "bool":
        return Tensor(ops.not_equal(x.data, 0), x.last)
    wide = WIDER.get(kind, kind)
    if x.is_float and wide.startswith("int"):
        return Tensor(_cut(x, wide), x.last)
    result = converted(x, kind)
    assert isinstance(result, Tensor)
    return result


def _cut(x: Tensor, kind: str) -> Any:
    """Cut floats to whole numbers: what does not fit, NaN too, is the least, as on x86-64."""
    reach = 2.0 ** (np.iinfo(kind).bits - 1)
    fits = ops.logical_and(x.data >= -reach, x.data < reach)
    whole = ops.cast(ops.where(fits, x.data, ops.zeros_like(x.data)), kind)
    return ops.where(fits, whole, ops.cast(np.iinfo(kind).min, whole.dtype))


OPERATORS: Table = {"Cast": cast, "CastLike": cast_like}

"""Bring several values into one layout, so that an operation on each number can take them as is."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from auditor.models.onnx.values import Tensor, Value, data, is_host


def each(function: Callable[..., Any], *values: Value) -> Tensor:
    """Apply an operation on each number, with ONNX' (NumPy's) broadcasting.

    Where a tensor is stored with channels last, the others are turned to it, and so is the result.

    Args:
        function: Takes backend tensors.
        values: At least one of them a `Tensor`; host arrays take its type where both are floats.
    """
    rank = max(v.rank if isinstance(v, Tensor) else np.ndim(v) for v in values)  # type: ignore[arg-type]
    leading = next((v for v in values if isinstance(v, Tensor) and v.last), None)
    if leading is None or leading.rank != rank:
        return Tensor(function(*(data(v, common(v, values)) for v in values)))
    return Tensor(function(*(_to_last(v, rank, common(v, values)) for v in values)), last=True)


def added(x: Any, y: Any) -> Any:
    """Add, as `keras.ops.add` does but for what it takes for a bias.

    On TensorFlow, Keras 3.15 adds (1, n, 1) to (…, n, n) as if it were (n,): along the wrong axis.
    """
    kind = keras.backend.result_type(x.dtype, y.dtype)
    return ops.cast(x, kind) + ops.cast(y, kind)


def common(value: Value, values: tuple[Value, ...]) -> str | None:
    """Return the type that a host array takes beside tensors; None for its own."""
    if not is_host(value) or value is None or value.dtype == bool:
        return None
    kinds = [v.dtype for v in values if isinstance(v, Tensor)]
    is_float = value.dtype == object or np.issubdtype(value.dtype, np.floating)
    same = next((k for k in kinds if ("float" in k) == is_float and k != "bool"), None)
    return same or (kinds[0] if value.dtype == object else None)


def _to_last(value: Value, rank: int, dtype: str | None) -> Any:
    if isinstance(value, Tensor) and value.rank == rank:
        return value.channels_last()
    plain = data(value, dtype)
    missing = rank - len(plain.shape)
    if len(plain.shape) == 0:
        return plain
    wide = ops.reshape(plain, (1,) * missing + tuple(ops.shape(plain))) if missing else plain
    return ops.transpose(wide, (0, *range(2, rank), 1))

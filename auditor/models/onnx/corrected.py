"""Operators that `onnx.reference` (1.23) computes otherwise than ONNX says and ONNX Runtime does.

Left as they are, networks that are sound would seem to differ wherever ONNX Runtime is missing.
"""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from onnx.reference.op_run import OpRun
from onnx.reference.ops.op_max_pool import MaxPool as _MaxPool

Array = NDArray[Any]


class Softmax(OpRun):
    """Before version 13 over all axes from one on."""

    op_domain = ""

    def _run(self, x: Array, axis: int | None = None) -> tuple[Array]:
        raised = np.exp(_lowered(self, x, axis))
        return (raised / raised.sum(axis=_axes(self, x, axis), keepdims=True),)


class LogSoftmax(OpRun):
    """As Softmax; not the logarithm of it, which is infinite where that is 0."""

    op_domain = ""

    def _run(self, x: Array, axis: int | None = None) -> tuple[Array]:
        lowered = _lowered(self, x, axis)
        total = np.exp(lowered).sum(axis=_axes(self, x, axis), keepdims=True)
        return (lowered - np.log(total),)


class LRN(OpRun):
    """Every channel over those beside it; not only the first ones."""

    op_domain = ""

    def _run(
        self,
        x: Array,
        alpha: float | None = None,
        beta: float | None = None,
        bias: float | None = None,
        size: int | None = None,
    ) -> tuple[Array]:
        assert size and alpha is not None and beta is not None and bias is not None
        before = (size - 1) // 2
        squares = np.zeros_like(x)
        for channel in range(x.shape[1]):
            beside = slice(max(0, channel - before), channel + size - before)
            squares[:, channel] = (x[:, beside] ** 2).sum(axis=1)
        return ((x / (bias + alpha / size * squares) ** beta).astype(x.dtype),)


class LpNormalization(OpRun):
    """By the norm, whatever the signs of numbers."""

    op_domain = ""

    def _run(self, x: Array, axis: int | None = None, p: int | None = None) -> tuple[Array]:
        norm = np.linalg.norm(x, ord=p, axis=axis, keepdims=True)
        return (np.divide(x, norm, out=np.zeros_like(x), where=norm != 0),)


class MaxPool(_MaxPool):
    """Padded on each side as it says, at stride 1 too; as large for SAME_LOWER as SAME_UPPER."""

    op_domain = ""

    def _run(self, x: Array, **how: Any) -> Any:  # type: ignore[override]
        size, kernel = x.shape[2:], how["kernel_shape"]
        strides = how.get("strides") or [1] * len(kernel)
        dilations = how.get("dilations") or [1] * len(kernel)
        if str(how.get("auto_pad") or "").startswith("SAME"):
            total = [
                max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
                for n, k, s, d in zip(size, kernel, strides, dilations, strict=True)
            ]
            less, more = [t // 2 for t in total], [t - t // 2 for t in total]
            how["pads"] = less + more if how["auto_pad"] == "SAME_UPPER" else more + less
            how["auto_pad"] = "NOTSET"
        how = {"storage_order": 0, "ceil_mode": 0, **how}
        return self._max_pool(x, **how)  # type: ignore[no-untyped-call]


CORRECTED = cast("list[type[OpRun]]", [Softmax, LogSoftmax, LRN, LpNormalization, MaxPool])
"""What a `ReferenceEvaluator` is given to use instead of its own."""


def _axes(op: OpRun, x: Array, axis: int | None) -> tuple[int, ...]:
    if op.run_params["opsets"][""] >= 13:
        return (-1 if axis is None else axis,)
    return tuple(range((1 if axis is None else axis) % x.ndim, x.ndim))


def _lowered(op: OpRun, x: Array, axis: int | None) -> Array:
    """Return numbers less the largest, so that nothing overflows."""
    return cast("Array", x - x.max(axis=_axes(op, x, axis), keepdims=True))

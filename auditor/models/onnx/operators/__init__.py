"""What each ONNX operator computes, in `keras.ops`.

To add an operator: write a function in the module of its family and add its line to that module's
table. It takes the node and its inputs as `Value`s and returns one `Value`, or a tuple. It is
called only when an input is a `Tensor`; nodes of host arrays alone are folded (`fold`).
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from auditor.models.onnx.operators import (
    activation,
    blocks,
    conversion,
    convolution,
    extension,
    indexing,
    layout,
    matrix,
    normalization,
    pointwise,
    pooling,
    reduction,
    resize,
    selection,
)

Operator: TypeAlias = Callable[..., Any]

OPERATORS: dict[str, Operator] = {
    **activation.OPERATORS,
    **blocks.OPERATORS,
    **conversion.OPERATORS,
    **convolution.OPERATORS,
    **extension.OPERATORS,
    **indexing.OPERATORS,
    **layout.OPERATORS,
    **matrix.OPERATORS,
    **normalization.OPERATORS,
    **pointwise.OPERATORS,
    **pooling.OPERATORS,
    **reduction.OPERATORS,
    **resize.OPERATORS,
    **selection.OPERATORS,
}
"""Operator → function of its node and its inputs."""

HOST_ONLY = {"Constant", "ConstantOfShape", "NonZero", "Range"}
"""Operators that are worked out on the host alone: what they give depends on numbers, not shapes."""

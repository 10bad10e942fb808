"""What each ONNX operator computes, in `keras.ops`.

To add an operator: write a function in the module of its family and add its line to that module's
table. It takes the node and its inputs as `Value`s and returns one `Value`, or a tuple. It is
called only when an input is a `Tensor`; nodes of host arrays alone are folded (`fold`).
"""

from auditor.models.onnx.operators import (
    activation,
    blocks,
    conversion,
    convolution,
    definition,
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
    transposed,
)
from auditor.models.onnx.operators.table import Table

OPERATORS: Table = {
    **activation.OPERATORS,
    **blocks.OPERATORS,
    **conversion.OPERATORS,
    **convolution.OPERATORS,
    **definition.OPERATORS,
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
    **transposed.OPERATORS,
}
"""Operator → function of its node and its inputs."""

HOST_ONLY = {"Constant", "ConstantOfShape", "NonZero", "Range"}
"""Operators that are worked out on the host alone: the shape of what they give is in numbers."""

"""Inputs, outputs and spatial tensors of an ONNX graph, by ONNX' own shape inference."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from auditor.models.inspect.onnx_order import put_in_order
from auditor.models.inspect.protobuf import parse

_MAKES = frozenset(
    "Conv ConvTranspose MaxPool AveragePool LpPool BatchNormalization InstanceNormalization "
    "GroupNormalization LRN".split()
)
"""Operators whose output is features, whatever goes in."""

_ENDS = frozenset(
    "Transpose Reshape Flatten Squeeze Unsqueeze MatMul Gemm Shape Size Gather GatherND Softmax "
    "ArgMax ArgMin TopK Einsum Expand".split()
)
"""Operators after which it is none, or of another kind."""


def onnx_ports(path: Path, shown: str) -> dict[str, Any]:
    """Return `inputs`, `outputs` and `spatial` of a graph that was checked."""
    from onnx import ModelProto, shape_inference

    model = parse(path, ModelProto, "ONNX", shown)
    put_in_order(model)
    with suppress(Exception):  # what cannot be inferred is left open
        model = shape_inference.infer_shapes(model)
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    shapes = {v.name: _shape(v) for v in (*graph.value_info, *graph.output)}
    features: set[str] = set()
    spatial = []
    for node in graph.node:
        goes_on = node.op_type not in _ENDS and any(name in features for name in node.input)
        if node.op_type in _MAKES or goes_on:
            features.update(node.output)
        shape = shapes.get(node.output[0] if node.output else "", ())
        if node.output and node.output[0] in features and _has_rows(shape):
            spatial.append(node.output[0])
    return {
        "inputs": tuple((v.name, _shape(v)) for v in graph.input if v.name not in stored),
        "outputs": tuple((v.name, _shape(v)) for v in graph.output),
        "spatial": tuple(spatial),
    }


def _shape(value: Any) -> tuple[int, ...]:
    dims = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else -1 for d in dims)


def _has_rows(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[2] * shape[3] != 1

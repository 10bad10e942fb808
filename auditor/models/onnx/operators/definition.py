"""Operators that ONNX defines by others: they are run as their definition."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from onnx import FunctionProto, TensorProto, defs, helper

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators.table import Table
from auditor.models.onnx.types import number_of, type_of
from auditor.models.onnx.values import Tensor, Unknown, Value


@dataclass(frozen=True)
class Definition:
    """What is to be run in a node's place.

    Attributes:
        nodes: In order.
        values: What is known before: the node's inputs, under the names that they have inside.
        outputs: Names of what the node gives.
    """

    nodes: tuple[Node, ...]
    values: Mapping[str, Value]
    outputs: tuple[str, ...]


def defined(node: Node, *values: Value) -> Definition:
    """Return a node's definition, for inputs like these."""
    kinds = tuple(_kind(value) for value in values)
    inputs, nodes, outputs = _definition(node.proto.SerializeToString(), node.opset, kinds)
    known = {**dict.fromkeys(inputs), **dict(zip(inputs, values, strict=False))}
    return Definition(nodes, known, outputs)


Kind = tuple[int, int] | None
"""A value's type, as ONNX numbers it, and its number of axes; None where it is left out."""


def _kind(value: Value) -> Kind:
    if value is None:
        return None
    rank = value.rank if isinstance(value, Tensor) else value.ndim
    return number_of(type_of(value) or "int64"), rank


@lru_cache(maxsize=256)
def _definition(
    serialized: bytes, opset: int, kinds: tuple[Kind, ...]
) -> tuple[tuple[str, ...], tuple[Node, ...], tuple[str, ...]]:
    """Return the names of inputs, the nodes and the names of outputs."""
    from onnx import NodeProto

    proto = NodeProto.FromString(serialized)
    schema: Any = defs.get_schema(proto.op_type, opset, proto.domain)
    versions = schema.context_dependent_function_opset_versions
    version = max((v for v in versions if v <= opset), default=None)
    if version is None:
        raise Unknown("without a definition in this version of ONNX")
    types = [
        helper.make_tensor_type_proto(kind[0], [None] * kind[1] if kind[0] else None)
        for kind in (each or (TensorProto.UNDEFINED, 0) for each in kinds)
    ]
    body = schema.get_context_dependent_function_with_opset_version(
        version, serialized, [t.SerializeToString() for t in types]
    )
    function = FunctionProto.FromString(body)
    meant = next((o.version for o in function.opset_import if o.domain == ""), opset)
    nodes = tuple(Node.of(each, meant) for each in function.node)
    return tuple(function.input), nodes, tuple(function.output)


OPERATORS: Table = {
    "Attention": defined,
    "RotaryEmbedding": defined,
}

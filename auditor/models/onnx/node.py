"""One node of a graph, its attributes as Python values."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import AttributeProto, NodeProto, helper, numpy_helper


@dataclass(frozen=True)
class Node:
    """A node, ready to be run.

    Attributes:
        op: The operator's name.
        name: The node's own name, or its first output's.
        inputs: Names of what goes in; empty where an optional one is left out.
        outputs: Names of what comes out; empty where nobody wants it.
        attributes: Name → int, float, str, list of these, or array.
        opset: The version of the operators that is meant.
        proto: As it stands in the file.
        declared: In a graph for a fixed number of images, the shape of the first input with that
            number; empty elsewhere.
        batch: That number of images.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opset: int
    proto: NodeProto
    attributes: dict[str, Any] = field(default_factory=dict)
    declared: tuple[int, ...] = ()
    batch: int | None = None

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or what stands for it where it is left out: floats are float32."""
        stands = float(np.float32(default)) if isinstance(default, float) else default
        return self.attributes.get(name, stands)

    @classmethod
    def of(cls, proto: NodeProto, opset: int) -> "Node":
        """Read a node."""
        return cls(
            op=proto.op_type,
            name=proto.name or next(filter(None, proto.output), proto.op_type),
            inputs=tuple(proto.input),
            outputs=tuple(proto.output),
            opset=opset,
            proto=proto,
            attributes={a.name: _attribute(a) for a in proto.attribute},
        )


def _attribute(proto: AttributeProto) -> Any:
    value = helper.get_attribute_value(proto)
    if proto.type == AttributeProto.TENSOR:
        return numpy_helper.to_array(value)
    if proto.type == AttributeProto.STRING:
        return value.decode("utf-8", "replace")
    if proto.type == AttributeProto.STRINGS:
        return [text.decode("utf-8", "replace") for text in value]
    if proto.type in (AttributeProto.INTS, AttributeProto.FLOATS):
        return list(value)
    return value if not isinstance(value, np.generic) else value.item()

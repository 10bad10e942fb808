"""Names of what flows through an ONNX graph: each is made once, before it is read.

Where one is made twice, programs differ in which they read.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, NodeProto, TensorProto, ValueInfoProto

Faults = Iterator[tuple[str, str]]
"""Name and what is wrong with it."""


class Names:
    """The names that are known at some place of a graph."""

    def __init__(self, around: "Names | None" = None) -> None:
        """Know what the graph around knows by now."""
        self._around, self._own = around, set[str]()

    def __contains__(self, name: str) -> bool:
        return name in self._own or self._around is not None and name in self._around

    def make(self, name: str) -> Faults:
        """Note that something makes a name."""
        if name in self._own:
            yield name, "is made twice"
        elif name in self:
            yield name, "is the name of something in the graph around"
        self._own.add(name)

    def begin(self, graph: "GraphProto") -> Faults:
        """Note what a graph is given: inputs, and numbers that are stored."""
        inputs = {value.name: value for value in graph.input}
        for value in graph.input:
            yield from self.make(value.name)
        for tensor in (*graph.initializer, *(s.values for s in graph.sparse_initializer)):
            if tensor.name not in inputs:
                yield from self.make(tensor.name)
            elif not _is_default(tensor, inputs[tensor.name]):
                yield tensor.name, "is stored in another type or shape than the input of this name"

    def begin_function(self, function: "FunctionProto") -> Faults:
        """Note what a function is given."""
        for name in function.input:
            yield from self.make(name)

    def node(self, node: "NodeProto") -> Faults:
        """Note what a node reads; `made` is for what it makes, once its own graphs were seen."""
        for name in node.input:
            if name and name not in self:
                yield name, "is read, and nothing before makes it"

    def made(self, node: "NodeProto") -> Faults:
        """Note what a node makes."""
        for name in filter(None, node.output):
            yield from self.make(name)


def _is_default(tensor: "TensorProto", value: "ValueInfoProto") -> bool:
    """Whether numbers fit the input that they are the default of, as files of old list weights."""
    kind = value.type.tensor_type
    if kind.elem_type and kind.elem_type != tensor.data_type:
        return False
    if not kind.HasField("shape"):
        return True
    dims = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
    return len(dims) == len(tensor.dims) and all(
        d is None or d == stored for d, stored in zip(dims, tensor.dims, strict=True)
    )

"""Whether a graph ends in weighted sums: in scores, and not in what was made of them."""

from auditor.models.onnx.graph import Graph
from auditor.models.onnx.node import Node
from auditor.models.onnx.types import stored_type

_SUMS = frozenset({"Conv", "Gemm", "MatMul"})
_AS_THEY_ARE = frozenset({"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})


def ends_in_sum(graph: Graph) -> bool:
    """Whether a graph's output is a sum of products with weights, a bias added or not."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    known = graph.weights.keys() | graph.statistics.keys() | graph.constants.keys()
    name = graph.output
    while (node := makers.get(name)) is not None:
        if node.op in _SUMS:
            return any(each in known for each in node.inputs)
        before = [each for each in node.inputs if each and each not in known]
        if len(before) != 1 or not _keeps_sums(node):
            return False
        (name,) = before
    return False


def _keeps_sums(node: Node) -> bool:
    is_float = node.op == "Cast" and stored_type(node.get("to")) in (
        "float16",
        "float32",
        "float64",
    )
    return is_float or node.op in _AS_THEY_ARE or node.op == "Add"

"""Nodes of an ONNX graph in an order in which they can run, wherever the file has them otherwise.

ONNX asks for that order, some exporters (keras2onnx) do not keep it, and ONNX Runtime sorts for
itself. Where every name is made once, which `Names` sees to, the order changes nothing that a graph
computes.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


def put_in_order(model: "ModelProto") -> None:
    """Sort the nodes of a model's graph, of the graphs inside it, and of its functions, in place.

    As few as possible move: what can run in the file's order stays in it. What waits for itself, or
    for what nothing makes, comes last.
    """
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        _sort(nodes)


def _sort(nodes: Any) -> None:
    for node in nodes:
        for graph in _graphs(node):
            _sort(graph.node)
    order = _order(nodes)
    if order == list(range(len(nodes))):
        return
    sorted_nodes = [nodes[index] for index in order]
    copies = [type(node).FromString(node.SerializePartialToString()) for node in sorted_nodes]
    del nodes[:]
    nodes.extend(copies)


def _order(nodes: Iterable["NodeProto"]) -> list[int]:
    """Return positions of nodes: always the first in the file of those that can run."""
    reads = [set(_reads(node)) for node in nodes]
    makers = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    readers = defaultdict(list)
    waits_for = [0] * len(reads)
    for index, names in enumerate(reads):
        for maker in {makers[name] for name in names if name in makers}:
            readers[maker].append(index)
            waits_for[index] += 1
    ready = [index for index, count in enumerate(waits_for) if not count]
    order = []
    while ready:
        order.append(heapq.heappop(ready))
        for index in readers[order[-1]]:
            waits_for[index] -= 1
            if not waits_for[index]:
                heapq.heappush(ready, index)
    return order + [index for index, count in enumerate(waits_for) if count]


def _reads(node: "NodeProto") -> Iterator[str]:
    """Give what a node reads: its inputs, and what graphs inside it take from around them."""
    yield from node.input
    for graph in _graphs(node):
        made = {name for inner in graph.node for name in inner.output}
        made.update(value.name for value in graph.input)
        made.update(tensor.name for tensor in graph.initializer)
        for inner in graph.node:
            yield from (name for name in _reads(inner) if name not in made)
        yield from (value.name for value in graph.output if value.name not in made)


def _graphs(node: "NodeProto") -> Iterator["GraphProto"]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs

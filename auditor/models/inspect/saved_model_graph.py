"""Look at a graph of a SavedModel: every node of it and of every function in its library.

Every SavedModel holds operators that read and write files: those that saved its weights and would
restore them. They are fine where TensorFlow puts them, at the nodes that `saver_def` names and in
functions that only those call; they are refused where the model, or what runs while it is
loaded, gets to them.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from auditor.models.inspect.growth import TooLarge, grown
from auditor.models.inspect.inspection import Findings, TooManyFindings
from auditor.models.inspect.tensorflow_ops import CHANGING, OPERATORS, READING, WRITING
from auditor.text import printable

Unit = tuple[str, str]
"""What runs as one: ("node", its name) of the graph itself, or ("function", its name)."""

_MAX_NODES = 500_000
_MAX_NUMBERS = 2**31
_MAX_RANK = 254  # TensorFlow's own limit
# TensorFlow stores a constant of equal numbers as one of them, so a few may be much larger than
# their bytes; all together they may not.
_SLACK_NUMBERS = 2**24
_RESOURCE, _VARIANT = 20, 21
_DECODERS = frozenset(
    "DecodeJpeg DecodePng DecodeImage DecodeBmp DecodeGif DecodeAndCropJpeg DecodeBase64".split()
)
_DECODES = (
    "reads files of images; save the model with a signature that takes pixels, (n, height, width, "
    "3) numbers, and decodes nothing"
)
_DO = "export the model to ONNX, or save it again with nothing but Keras' own layers"


_UNKNOWN = f"is not one that image classifiers compute with; {_DO}"


class GraphWalk:
    """One pass over a MetaGraphDef.

    Attributes:
        layers: (name, op) of every node.
        constants: How many numbers its constants hold.
        changing: What runs as one → its operators that draw by chance or change variables.
    """

    def __init__(self, meta: Any, findings: Findings) -> None:
        self.meta = meta
        self.findings = findings
        self.layers: list[tuple[str, str]] = []
        self.constants = self.unbacked = 0
        self.functions = {f.signature.name: f for f in meta.graph_def.library.function}
        self.leads: dict[Unit, list[Unit]] = {}
        self.saving: dict[Unit, set[str]] = {}
        self.changing: dict[Unit, set[str]] = {}

    def look(self) -> None:
        """Note everything in the graph that is not known to be harmless."""
        graph = self.meta.graph_def
        if len(self.functions) < len(graph.library.function):
            self.findings.add("library", f"two functions of one name; {_DO}")
        for function in graph.library.function:
            name = function.signature.name
            self.leads["function", name] = []
            for node in function.node_def:
                self._node(node, f"function {name}/", ("function", name))
        for node in graph.node:
            unit = "node", node.name
            if unit in self.leads:
                self.findings.add(node.name, f"two nodes have this name; {_DO}")
            self.leads[unit] = [("node", node_of(name)) for name in node.input]
            self._node(node, "", unit)
        for gradient in graph.library.gradient:
            leads = self.leads.setdefault(("function", gradient.function_name), [])
            leads.append(("function", gradient.gradient_func))
        self._saver()
        self._growth()

    def _node(self, node: Any, within: str, unit: Unit) -> None:
        place = f"{within}{node.name or f'node {len(self.layers)}'}"
        self.layers.append((printable(place, 200), printable(node.op, 80)))
        if len(self.layers) > _MAX_NODES:
            self.findings.add(place, f"more than {_MAX_NODES} nodes; no image classifier has these")
            raise TooManyFindings
        if node.op in self.functions:
            self.leads[unit].append(("function", node.op))
        elif node.op in READING | WRITING:
            self.saving.setdefault(unit, set()).add(node.op)
        elif node.op not in OPERATORS:
            self.findings.add(
                place,
                f"operator {node.op!r} {_DECODES if node.op in _DECODERS else _UNKNOWN}",
            )
        if node.op in CHANGING:
            self.changing.setdefault(unit, set()).add(node.op)
        for value in _values(node.attr):
            self._value(value, place, unit)

    def _value(self, value: Any, place: str, unit: Unit) -> None:
        for function in _functions(value):
            if function.name not in self.functions:
                reason = f"calls {function.name!r}, which the file does not define; {_DO}"
                self.findings.add(place, reason)
            self.leads[unit].append(("function", function.name))
        for tensor in [value.tensor] * value.HasField("tensor") + [*value.list.tensor]:
            self._tensor(tensor, place)

    def _tensor(self, tensor: Any, place: str) -> None:
        if tensor.dtype % 100 in (_RESOURCE, _VARIANT):
            self.findings.add(place, f"a constant that is a handle, not numbers; {_DO}")
        count = elements(tensor.tensor_shape)
        if not 0 <= count <= _MAX_NUMBERS:
            self.findings.add(place, f"a constant of impossible dimensions; {_DO}")
            return
        self.constants += count
        self.unbacked += max(0, count - tensor.ByteSize()) if count > 1 else 0
        if self.unbacked > _SLACK_NUMBERS:
            self.findings.add(
                place,
                f"constants of {self.unbacked} numbers more than are stored, of which "
                f"{_SLACK_NUMBERS} are allowed; {_DO}",
            )
            self.unbacked = 0

    def _saver(self) -> None:
        """Refuse the saver's operators wherever something else than the saver gets to them."""
        for starts, allowed, whose in (
            (self._offered(), frozenset(), "the model"),
            ([("node", node_of(self.meta.saver_def.restore_op_name))], READING, "loading"),
        ):
            for unit in sorted(self.reached(starts)):
                if refused := self.saving.get(unit, set()) - allowed:
                    self.findings.add(
                        " ".join(unit).removeprefix("node "),
                        f"{', '.join(sorted(refused))}: {whose} would read or write files with "
                        f"this, as only TensorFlow's own saver does; {_DO}",
                    )

    def _offered(self) -> Iterator[Unit]:
        """Everything that the file names to be run or called, apart from the saver."""
        meta = self.meta
        for entry in meta.signature_def:
            for output in entry.value.outputs:
                yield "node", node_of(output.value.name)
                if output.value.coo_sparse or output.value.composite_tensor:
                    reason = f"an output that is not one tensor of numbers; {_DO}"
                    self.findings.add(f"signature {entry.key}", reason)
        for collection in meta.collection_def:
            for name in collection.value.node_list.value:
                yield "node", node_of(name)
        objects = meta.object_graph_def
        for names in (
            (entry.key for entry in objects.concrete_functions),
            (name for node in objects.nodes for name in node.function.concrete_functions),
            (node.bare_concrete_function.concrete_function_name for node in objects.nodes),
            (node.captured_tensor.concrete_function for node in objects.nodes),
            (each.gradient_func for each in meta.graph_def.library.registered_gradients),
            # TensorFlow exchanges functions with this attribute for one another.
            (f.signature.name for f in self.functions.values() if _has(f, "api_implements")),
        ):
            yield from (("function", name) for name in names)

    def reached(self, starts: Iterable[Unit]) -> set[Unit]:
        """Return what runs when some units do, themselves among it."""
        pending, seen = [*starts], set()
        while pending:
            if (unit := pending.pop()) not in seen:
                seen.add(unit)
                pending.extend(self.leads.get(unit, ()))
        return seen

    def _growth(self) -> None:
        own = {name: len(function.node_def) for name, function in self.functions.items()}
        calls: dict[str, list[str]] = {"": []}
        for (kind, name), leads in self.leads.items():
            found = [other for what, other in leads if what == "function" and other in own]
            calls.setdefault(name if kind == "function" else "", []).extend(found)
        try:
            if len(self.layers) + grown(own, calls, calls[""]) > 4 * _MAX_NODES:
                reason = f"becomes more than {4 * _MAX_NODES} nodes when it is run; {_DO}"
                self.findings.add("library", reason)
        except TooLarge as endless:
            name, why = endless.args
            self.findings.add(f"function {name}", f"{why}; {_DO}")


def elements(shape: Any) -> int:
    """Return how many numbers a TensorShapeProto is, -1 if it does not say or cannot be."""
    sizes = [dim.size for dim in shape.dim]
    unknown = shape.unknown_rank or len(sizes) > _MAX_RANK or any(size < 0 for size in sizes)
    return -1 if unknown else math.prod(sizes)


def _values(attributes: Iterable[Any]) -> Iterator[Any]:
    """Every value of a node's attributes, with those of the functions that they name."""
    for attribute in attributes:
        yield attribute.value
        for function in _functions(attribute.value):
            yield from _values(function.attr)


def _functions(value: Any) -> list[Any]:
    return [value.func] * value.HasField("func") + [*value.list.func]


def node_of(name: str) -> str:
    """Return the node in "node:0" (its first output) or "^node" (a node to wait for)."""
    return name.removeprefix("^").partition(":")[0]


def _has(function: Any, attribute: str) -> bool:
    return any(entry.key == attribute for entry in function.attr)

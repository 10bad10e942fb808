"""Look at an ONNX file: every node and tensor of its graph, subgraphs and functions."""

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import InputError
from auditor.models.inspect import onnx_ops, onnx_tensor
from auditor.models.inspect.growth import TooLarge, grown
from auditor.models.inspect.inspection import Findings, Inspection, TooManyFindings
from auditor.models.inspect.onnx_names import Faults, Names
from auditor.models.inspect.onnx_order import put_in_order
from auditor.models.inspect.protobuf import parse
from auditor.text import printable

if TYPE_CHECKING:
    from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

_MAX_NODES = 200_000
_MAX_DEPTH = 16
_DO = "export the model again with standard operators only"

Key = tuple[str, str, str]
"""What names a function: domain, name, overload."""


@dataclass(frozen=True)
class _Scope:
    """Where a node stands.

    Attributes:
        place: What comes before its name.
        opsets: Domain → the version of its operators that are meant.
        calls: Takes the functions that are used here.
        names: What is known here by now.
        parameters: The attributes of the function around it.
        depth: How many graphs are around it.
    """

    place: str
    opsets: dict[str, int]
    calls: list[Key]
    names: Names
    parameters: frozenset[str] = frozenset()
    depth: int = 0


def external_files(path: Path, shown: str) -> list[str]:
    """Return the names of the files that an ONNX file says its numbers are in; none is opened.

    Raises:
        InputError: It is damaged.
    """
    from onnx import ModelProto
    from onnx.external_data_helper import _get_all_tensors

    model = parse(path, ModelProto, "ONNX", shown)
    entries = (e for tensor in _get_all_tensors(model) for e in tensor.external_data)
    return sorted({entry.value for entry in entries if entry.key == "location"})


def inspect_onnx(path: Path, shown: str, external_data: bool = False) -> Inspection:
    """Compare an ONNX file with what an exporter of image classifiers writes.

    Args:
        path: The file.
        shown: Its name for messages, already printable.
        external_data: Whether numbers may be in files beside it.

    Raises:
        InputError: It is damaged, or holds no graph.
    """
    from onnx import ModelProto

    model = parse(path, ModelProto, "ONNX", shown)
    if not model.ir_version or not model.graph.node:
        raise InputError(f"{shown}: no graph in this file; export the whole model to ONNX again")
    put_in_order(model)
    walk = _OnnxWalk(model, path.parent if external_data else None)
    with contextlib.suppress(TooManyFindings):
        walk.model()
    return Inspection(
        format="onnx",
        written_by=_written_by(model),
        layers=tuple(walk.layers),
        stored=walk.stored,
        findings=tuple(walk.findings.all),
    )


def _written_by(model: "ModelProto") -> str:
    opsets = [o.version for o in model.opset_import if onnx_ops.one_spelling(o.domain) == ""]
    program = f"{model.producer_name} {model.producer_version}".strip()
    return printable(", ".join([program] * bool(program) + [f"opset {v}" for v in opsets]), 100)


class _OnnxWalk:
    """One pass over a model; every function's body is looked at once, used or not."""

    def __init__(self, model: "ModelProto", folder: Path | None) -> None:
        self.whole, self.folder = model, folder
        self.findings = Findings()
        self.layers: list[tuple[str, str]] = []
        self.stored = 0
        self.calls: dict[Key, list[Key]] = {_key(f): [] for f in model.functions}
        self.sizes: dict[Key, int] = {}

    def model(self) -> None:
        from onnx import IR_VERSION

        model, add = self.whole, self.findings.add
        if not 1 <= model.ir_version <= IR_VERSION:
            add("ir_version", f"{model.ir_version}, where 1 to {IR_VERSION} can be read; {_DO}")
        if model.training_info:
            add("training_info", "a training graph; export the model for inference only")
        if len(self.calls) < len(model.functions):
            add("functions", f"two functions of one name; {_DO}")
        main = _Scope("", self.opsets(model.opset_import, "opset_import"), [], Names())
        self.graph(model.graph, main)
        for function in model.functions:
            self.function(function)
        self.growth(main.calls)

    def opsets(self, imports: Iterable[Any], place: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in imports:
            domain = onnx_ops.one_spelling(entry.domain)
            if domain in found:
                self.findings.add(place, f"domain {domain!r} is imported twice; {_DO}")
            known = onnx_ops.newest(domain) if domain in onnx_ops.DOMAINS else entry.version
            found[domain] = min(max(entry.version, 1), known)
            if found[domain] != entry.version:
                self.findings.add(
                    place,
                    f"opset {entry.version} of {domain or 'ai.onnx'}, where 1 to {known} are "
                    "known; export the model with one of these",
                )
        return found

    def function(self, function: "FunctionProto") -> None:
        key = _key(function)
        place = f"function {key[0]}.{key[1]}"
        if onnx_ops.one_spelling(key[0]) in onnx_ops.DOMAINS:
            self.findings.add(place, f"redefines an operator of ONNX; {_DO}")
        parameters = [*function.attribute, *(a.name for a in function.attribute_proto)]
        if len(set(parameters)) < len(parameters):
            self.findings.add(place, f"has an attribute twice; {_DO}")
        opsets, names = self.opsets(function.opset_import, place), Names()
        scope = _Scope(f"{place}/", opsets, self.calls[key], names, frozenset(parameters))
        self.named(scope, names.begin_function(function))
        before = len(self.layers)
        for default in function.attribute_proto:
            self.attribute(default, place, scope)
        for node in function.node:
            self.node(node, scope)
        self.ends(scope, function.output)
        self.sizes[key] = len(self.layers) - before

    def growth(self, main: list[Key]) -> None:
        try:
            if len(self.layers) + grown(self.sizes, self.calls, main) > _MAX_NODES:
                self.findings.add("functions", f"become more than {_MAX_NODES} nodes; {_DO}")
        except TooLarge as endless:
            (domain, name, _), why = endless.args
            self.findings.add(f"function {domain}.{name}", f"{why}; {_DO}")

    def graph(self, graph: "GraphProto", scope: _Scope) -> None:
        if scope.depth > _MAX_DEPTH:
            self.findings.add(scope.place, f"graphs more than {_MAX_DEPTH} deep in graphs; {_DO}")
            return
        if not _are_texts(each.name for each in (*graph.initializer, *graph.input, *graph.output)):
            self.findings.add(scope.place or "graph", f"names that are not UTF-8; {_DO}")
        names: set[str] = set()
        for tensor in graph.initializer:
            self.tensor(tensor, f"{scope.place}{tensor.name}")
            if tensor.name in names:
                self.findings.add(
                    f"{scope.place}{tensor.name}", f"two initializers have this name; {_DO}"
                )
            names.add(tensor.name)
        for sparse in graph.sparse_initializer:
            self.sparse(f"{scope.place}{sparse.values.name}")
        self.named(scope, scope.names.begin(graph))
        for node in graph.node:
            self.node(node, scope)
        self.ends(scope, [value.name for value in graph.output])

    def named(self, scope: _Scope, faults: Faults) -> None:
        for name, reason in faults:
            self.findings.add(f"{scope.place}{name}", f"{reason}; {_DO}")

    def ends(self, scope: _Scope, outputs: Iterable[str]) -> None:
        for name in outputs:
            if name not in scope.names:
                self.findings.add(
                    f"{scope.place}{name}", f"is an output, and nothing makes it; {_DO}"
                )

    def node(self, node: "NodeProto", scope: _Scope) -> None:
        name = [*filter(None, (node.name, *node.output)), f"node {len(self.layers)}"][0]
        place = f"{scope.place}{name}"
        self.layers.append((printable(place, 200), printable(f"{node.op_type}", 80)))
        if len(self.layers) > _MAX_NODES:
            self.findings.add(place, f"more than {_MAX_NODES} nodes; no image classifier has these")
            raise TooManyFindings
        texts = (node.name, node.op_type, node.domain, node.overload, *node.input, *node.output)
        if not _are_texts(texts):
            self.findings.add(place, f"names that are not UTF-8; {_DO}")
            return
        key = (node.domain, node.op_type, node.overload)
        if key in self.calls:
            scope.calls.append(key)
        elif reason := _operator_fault(node, scope.opsets):
            self.findings.add(place, reason)
        elif reason := _attribute_fault(node, scope.opsets):
            self.findings.add(place, reason)
        self.named(replace(scope, place=f"{place}: "), scope.names.node(node))
        given: set[str] = set()
        for attribute in node.attribute:
            if attribute.name in given:
                self.findings.add(place, f"has the attribute {attribute.name!r} twice; {_DO}")
            given.add(attribute.name)
            self.attribute(attribute, place, scope)
        self.named(replace(scope, place=f"{place}: "), scope.names.made(node))

    def attribute(self, attribute: "AttributeProto", place: str, scope: _Scope) -> None:
        """Look at all of an attribute, whichever of its fields its type says is meant."""
        if attribute.ref_attr_name and attribute.ref_attr_name not in scope.parameters:
            self.findings.add(
                place,
                f"attribute {attribute.name!r} refers to {attribute.ref_attr_name!r}, which the "
                f"function around it does not have; {_DO}",
            )
        for tensor in [attribute.t] * attribute.HasField("t") + [*attribute.tensors]:
            self.tensor(tensor, place)
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            self.sparse(place)
        for graph in [attribute.g] * attribute.HasField("g") + [*attribute.graphs]:
            names = Names(scope.names)
            inside = replace(scope, place=f"{place}/", depth=scope.depth + 1, names=names)
            self.graph(graph, inside)

    def tensor(self, tensor: "TensorProto", place: str) -> None:
        if reason := onnx_tensor.fault(tensor, self.folder):
            self.findings.add(place, reason)
        else:
            self.stored += math.prod(tensor.dims)

    def sparse(self, place: str) -> None:
        self.findings.add(place, f"sparse numbers, which image classifiers do not have; {_DO}")


def _are_texts(names: Iterable[Any]) -> bool:
    """Whether all names are UTF-8: protobuf gives bytes where one is not."""
    return all(isinstance(name, str) for name in names)


def _key(function: "FunctionProto") -> Key:
    return function.domain, function.name, function.overload


def _operator_fault(node: "NodeProto", opsets: dict[str, int]) -> str:
    """Say what is wrong with a node's operator; empty for one of ONNX' own."""
    domain = onnx_ops.one_spelling(node.domain)
    shown = f"operator {node.op_type!r}"
    if node.op_type == "EPContext":
        return f"{shown} runs a program compiled for one device; export the model without it"
    if domain not in onnx_ops.DOMAINS:
        return f"{shown} of {domain!r} is not one of ONNX' own, nor defined in the file; {_DO}"
    if domain not in opsets:
        return f"{shown}: the file does not say which opset of {domain or 'ai.onnx'}; {_DO}"
    if not onnx_ops.is_known(domain, node.op_type, opsets[domain]):
        return f"{shown} is not in opset {opsets[domain]} of {domain or 'ai.onnx'}; {_DO}"
    return ""


def _attribute_fault(node: "NodeProto", opsets: dict[str, int]) -> str:
    """Say which attribute of a node its operator does not have, or not of this type."""
    domain = onnx_ops.one_spelling(node.domain)
    known = onnx_ops.attributes(domain, node.op_type, opsets[domain])
    for attribute in node.attribute:
        what = f"attribute {attribute.name!r}"
        if attribute.name not in known:
            return f"{what} is none of operator {node.op_type!r}; {_DO}"
        if attribute.type != known[attribute.name]:
            return f"{what} of operator {node.op_type!r} is of another type than ONNX says; {_DO}"
    return ""

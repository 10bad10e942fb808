"""Functions that a file defines, written out: afterwards every operator is one of ONNX' own."""

from collections.abc import Iterable

import onnx
from onnx.inliner import inline_local_functions

from auditor.errors import InputError
from auditor.models.inspect.onnx_ops import one_spelling
from auditor.text import printable

Key = tuple[str, str, str]
"""What names a function: domain, name, overload."""


def written_out(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model with its functions in the places where they are called, domains spelled alike.

    Raises:
        InputError: One cannot be: what it is called may be the name of one of ONNX' operators, and
            must not be run as that.
    """
    whole = onnx.ModelProto.FromString(model.SerializeToString()) if model.functions else model
    for part in (whole, *whole.functions):
        for named in (*part.opset_import, *(part.node if part is not whole else part.graph.node)):
            named.domain = one_spelling(named.domain)
    if not model.functions:
        return whole
    defined = {(f.domain, f.name, f.overload): f for f in whole.functions}
    for nodes in (whole.graph.node, *(f.node for f in whole.functions)):
        _give_defaults(nodes, defined)
    inlined = inline_local_functions(whole)
    for node in inlined.graph.node:
        body = defined.get((node.domain, node.op_type, node.overload))
        if body is not None:
            raise InputError(_why_left(body, model))
    return inlined


def _give_defaults(nodes: Iterable[onnx.NodeProto], defined: dict[Key, onnx.FunctionProto]) -> None:
    """Write out attributes that calls leave to the function's default: `onnx.inliner` drops it."""
    for node in nodes:
        body = defined.get((node.domain, node.op_type, node.overload))
        given = {attribute.name for attribute in node.attribute}
        if body is not None:
            node.attribute.extend(a for a in body.attribute_proto if a.name not in given)


def _why_left(body: onnx.FunctionProto, model: onnx.ModelProto) -> str:
    name = printable(f"{body.domain}.{body.name}", 80)
    versions = {one_spelling(o.domain): o.version for o in model.opset_import}
    for entry in body.opset_import:
        domain = one_spelling(entry.domain)
        if domain in versions and versions[domain] != entry.version:
            return (
                f"function {name} is written for opset {entry.version} of "
                f"{printable(domain, 40) or 'ai.onnx'}, the graph for {versions[domain]}; export "
                "the model with one opset throughout"
            )
    return f"function {name} cannot be written out; export the model with standard operators only"

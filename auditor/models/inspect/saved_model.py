"""Look at a SavedModel: its folder, its graphs, and whether its weights are there."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.models.inspect.inspection import Findings, Inspection, TooManyFindings
from auditor.models.inspect.protobuf import parse
from auditor.models.inspect.saved_model_folder import GRAPH, check_folder
from auditor.models.inspect.saved_model_graph import GraphWalk, elements
from auditor.models.inspect.saved_model_metadata import check_metadata
from auditor.models.inspect.saved_model_proto import saved_model_class
from auditor.models.inspect.saved_model_serving import check_serving
from auditor.text import printable

_VARIABLE_OPS = frozenset({"VarHandleOp", "VariableV2", "Variable"})
# TensorFlow's DataType → bytes of one number; at least one for those not listed.
_NUMBER_BYTES = {1: 4, 2: 8, 3: 4, 9: 8, 14: 2, 17: 2, 19: 2, 22: 4, 23: 8}
_SLACK_BYTES = 2**20


def inspect_saved_model(path: Path, shown: str) -> Inspection:
    """Compare a SavedModel with what saving an image classifier writes.

    Args:
        path: The folder.
        shown: Its name for messages, already printable.

    Raises:
        InputError: It is damaged or not whole.
    """
    findings = Findings()
    walks: list[GraphWalk] = []
    stored = 0
    with contextlib.suppress(TooManyFindings):
        weights = check_folder(path, findings, shown)
        model = parse(path / GRAPH, saved_model_class(), "a SavedModel", f"{shown}: {GRAPH}")
        if not model.meta_graphs:
            raise InputError(f"{shown}: {GRAPH} holds no graph; save the model again")
        for meta in model.meta_graphs:
            walks.append(GraphWalk(meta, findings))
            walks[-1].look()
            _check_assets(meta, findings)
            stored = max(stored, _check_variables(meta, weights, findings, shown))
        check_serving(walks, findings)
        check_metadata(path, model, findings, shown)
    version = walks[-1].meta.meta_info_def.tensorflow_version if walks else ""
    return Inspection(
        format="savedmodel",
        written_by=printable(f"TensorFlow {version}".strip(), 100),
        layers=tuple(layer for walk in walks for layer in walk.layers),
        stored=stored or sum(walk.constants for walk in walks),
        findings=tuple(findings.all),
        notes=tuple(findings.notes),
    )


def _check_assets(meta: Any, findings: Findings) -> None:
    for asset in meta.asset_file_def:
        findings.add(
            "asset_file_def",
            f"names the file {asset.filename!r}, which only tables of text read; "
            "save the model without lookup layers",
        )


def _check_variables(meta: Any, weights: int | None, findings: Findings, shown: str) -> int:
    """Compare what the variables declare with the bytes of weights, and return their numbers."""
    numbers = needed = 0
    for place, kind, shape in _variables(meta):
        count = elements(shape)
        if count < 0:
            findings.add(place, "a variable of unknown size; save the model with whole shapes")
            continue
        numbers += count
        needed += count * _NUMBER_BYTES.get(kind, 1)
    if weights is None and numbers and not findings.all:
        raise InputError(f"{shown}: no whole variables/ folder; copy the whole SavedModel")
    if needed > (weights or 0) + _SLACK_BYTES:
        findings.add(
            "variables",
            f"the graph declares {numbers} numbers, which are {needed} bytes, and variables/ "
            f"stores {weights or 0}; TensorFlow does not save this",
        )
    return numbers


def _variables(meta: Any) -> Iterator[tuple[str, int, Any]]:
    """Yield name, number type and shape: of objects, or of nodes where TensorFlow 1 saved."""
    found = False
    for index, node in enumerate(meta.object_graph_def.nodes):
        if node.HasField("variable"):
            found = True
            yield f"object_graph_def/{index}", node.variable.dtype, node.variable.shape
    for node in [] if found else meta.graph_def.node:
        if node.op in _VARIABLE_OPS:
            attributes = {entry.key: entry.value for entry in node.attr}
            if {"dtype", "shape"} <= attributes.keys():
                yield node.name, attributes["dtype"].type, attributes["shape"].shape

"""Inputs and outputs of a SavedModel's serving signature."""

from pathlib import Path
from typing import Any

from auditor.models.inspect.protobuf import parse
from auditor.models.inspect.saved_model_folder import GRAPH
from auditor.models.inspect.saved_model_proto import saved_model_class

SERVING = "serving_default"


def saved_model_ports(path: Path, shown: str) -> dict[str, Any]:
    """Return `inputs` and `outputs` of a SavedModel that was checked.

    Layers have no names that `--layer` would take before it is converted to ONNX.
    """
    model = parse(path / GRAPH, saved_model_class(), "a SavedModel", f"{shown}: {GRAPH}")
    signatures = {s.key: s.value for meta in model.meta_graphs for s in meta.signature_def}
    serving = signatures.get(SERVING)
    if serving is None:
        return {}
    return {
        "inputs": tuple((entry.key, _shape(entry.value)) for entry in serving.inputs),
        "outputs": tuple((entry.key, _shape(entry.value)) for entry in serving.outputs),
    }


def _shape(info: Any) -> tuple[int, ...]:
    if not info.HasField("tensor_shape") or info.tensor_shape.unknown_rank:
        return ()
    return tuple(dim.size for dim in info.tensor_shape.dim)

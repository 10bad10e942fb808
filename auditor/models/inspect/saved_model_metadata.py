"""What Keras 2 keeps beside a SavedModel's graph: the configuration of every layer, as JSON.

Its `load_model` rebuilds the layers from it; what is audited is the signature that serves. It
stands in `keras_metadata.pb`, or with the objects of the graph where TensorFlow before 2.5 saved.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditor.models.inspect.architecture import parse_architecture
from auditor.models.inspect.inspection import Findings
from auditor.models.inspect.keras_elsewhere import check_elsewhere
from auditor.models.inspect.protobuf import parse
from auditor.models.inspect.saved_model_proto import metadata_class
from auditor.text import printable

METADATA = "keras_metadata.pb"
_DO = "save the model again with model.export(...), which keeps what serves alone"


def check_metadata(folder: Path, model: Any, findings: Findings, shown: str) -> None:
    """Find what would run code when Keras 2 loads a SavedModel.

    Args:
        folder: The SavedModel.
        model: Its parsed `saved_model.pb`.
        findings: Told of it.
        shown: The folder's name for messages, already printable.

    Raises:
        InputError: Something of it is damaged.
    """
    for place, text in _configurations(folder, model, shown):
        config = parse_architecture(text, f"{shown}: {printable(place, 100)}", findings)
        check_elsewhere(config, place, findings, _DO)


def _configurations(folder: Path, model: Any, shown: str) -> Iterator[tuple[str, str]]:
    """Yield where each configuration stands, and its JSON."""
    path = folder / METADATA
    if path.is_file() and not path.is_symlink() and path.stat().st_size:
        metadata = parse(path, metadata_class(), "metadata of Keras", f"{shown}: {METADATA}")
        for node in metadata.nodes:
            yield f"{METADATA}/{node.node_path}"[:100], node.metadata
    for meta in model.meta_graphs:
        for index, node in enumerate(meta.object_graph_def.nodes):
            if node.user_object.identifier.startswith("_tf_keras") and node.user_object.metadata:
                yield f"object_graph_def/{index}", node.user_object.metadata

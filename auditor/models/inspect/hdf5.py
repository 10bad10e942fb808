"""Check an HDF5 file that Keras is said to have written.

Keras writes nothing that leads out of a file, runs filters or declares more than is stored: its
files are trees of groups, each with one name, whose datasets are numbers stored as they are.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.files.hdf5.nodes import MAX_OBJECTS, TooManyNodes, check_heaps, nodes, refused
from auditor.files.window import FileWindow
from auditor.models.inspect.hdf5_attributes import check_attributes, text_attribute
from auditor.models.inspect.inspection import Findings, TooManyFindings
from auditor.text import printable

MAX_WEIGHT_BYTES = 8 * 2**30

_NOT_KERAS = "Keras does not write this"


@dataclass(frozen=True)
class Contents:
    """The raw architecture (JSON), the writing Keras version, and how many numbers are stored.

    The architecture is None where the file is so that it cannot be read safely. `training` is what
    HDF5 files have of the optimizer, the losses and the metrics (JSON), where they have any.
    """

    architecture: bytes | str | None
    keras_version: str | None
    stored: int
    training: str | None = None


def read_h5_model(path: Path, shown: str, findings: Findings) -> Contents:
    """Check a whole-model `.h5` file and return the architecture as the file has it.

    Args:
        path: The file.
        shown: Its name for messages, already printable.
        findings: Told of links, of anything outside the file and of sizes beyond it.

    Raises:
        InputError: It is damaged, or holds weights alone.
    """
    stored = measure_weights(path, shown, findings)
    import h5py

    try:
        with h5py.File(path, "r") as file:
            architecture = text_attribute(h5py, file, "model_config")
            version = text_attribute(h5py, file, "keras_version")
            training = text_attribute(h5py, file, "training_config")
            if training is None and "training_config" in file.attrs:
                findings.add("/", f"attribute training_config is not one text; {_NOT_KERAS}")
            has_architecture = "model_config" in file.attrs
            has_weights = "model_weights" in file
    except TooManyFindings:
        raise
    except Exception as error:  # h5py raises half a dozen kinds for a damaged file
        raise _damaged(shown, error) from None
    if not has_architecture:
        raise InputError(
            f"{shown}: no architecture in this file (weights only); "
            "save the whole model with model.save, not model.save_weights"
        )
    if architecture is None or not has_weights:
        raise InputError(f"{shown}: not a model saved by Keras; save the whole model again")
    return Contents(architecture, version, stored, training)


def measure_weights(
    source: Path | FileWindow, shown: str, findings: Findings, place: str = ""
) -> int:
    """Check every node of an HDF5 file and count the numbers in its datasets.

    Args:
        source: The file.
        shown: Its name for messages, already printable.
        findings: Told of all that Keras does not write.
        place: What goes before the path of a node, for a file within an archive.

    Returns:
        How many numbers are stored, over all datasets.

    Raises:
        InputError: It is damaged.
    """
    import h5py

    size = source.stat().st_size if isinstance(source, Path) else source.size
    count = declared = 0
    try:
        check_heaps(source, size)
        with h5py.File(source, "r") as file:
            for where, node in _nodes(h5py, file, place, findings):
                for reason in check_attributes(h5py, node, size):
                    findings.add(where, f"{reason}; {_NOT_KERAS}")
                if isinstance(node, h5py.h5d.DatasetID):
                    if reason := _refused(h5py, node, size):
                        findings.add(where, f"{reason}; {_NOT_KERAS}")
                        continue
                    numbers = math.prod(node.shape or (0,))
                    count += numbers
                    declared += numbers * node.get_type().get_size()
    except TooManyFindings:
        raise
    except Exception as error:  # h5py raises half a dozen kinds for a damaged file
        raise _damaged(shown, error) from None
    # Each dataset fits into the file; only together can they declare more, by sharing its bytes.
    if declared > size:
        findings.add(
            place or "/", f"declares {declared} bytes of weights but stores {size}; {_NOT_KERAS}"
        )
    return count


def _nodes(h5py: Any, file: Any, place: str, findings: Findings) -> Iterator[tuple[str, Any]]:
    """Every group and dataset; told are what leads elsewhere and what is there twice."""
    try:
        for where, node, reason in nodes(h5py, file):
            if node is None:
                findings.add(f"{place}{where}", f"{reason}; {_NOT_KERAS}")
            else:
                yield f"{place}{where}", node
    except TooManyNodes:
        findings.add(place or "/", f"more than {MAX_OBJECTS} nodes and attributes")
        raise TooManyFindings from None


def _refused(h5py: Any, dataset: Any, size: int) -> str:
    """The reason to refuse a dataset; empty for numbers that lie as they are in this file."""
    stored = dataset.get_type()
    numbers = (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID, h5py.h5t.TypeEnumID)
    # HDF5 has no bfloat16: Keras stores its two bytes as they are.
    is_bfloat16 = isinstance(stored, h5py.h5t.TypeOpaqueID) and stored.get_size() == 2
    if not isinstance(stored, numbers) and not is_bfloat16:
        return "does not hold numbers"
    return refused(h5py, dataset, size)


def _damaged(shown: str, error: Exception) -> InputError:
    reason = printable(str(error).split("\n")[0][:200])
    return InputError(
        f"{shown}: damaged or not HDF5 ({type(error).__name__}: {reason}); copy it again"
    )

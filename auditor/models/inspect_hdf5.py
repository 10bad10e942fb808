"""Walk an HDF5 file without following anything that leads out of it.

HDF5 can point to other files (external links, external storage, virtual datasets), run filter
plugins, and declare datasets far larger than the file. Keras writes none of these.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.text import printable

MAX_WEIGHT_BYTES = 8 * 2**30

_MAX_OBJECTS = 200_000
_MAX_EXPANSION = 1000
_MAX_ATTRIBUTE_BYTES = 64 * 2**20
_MAX_TEXTS = 20_000
_DEFLATE, _SHUFFLE, _LZF = 1, 2, 32000


@dataclass(frozen=True)
class Contents:
    """The raw architecture (JSON), the writing Keras version, and how many numbers are stored."""

    architecture: bytes | str
    keras_version: str | None
    stored: int


class _Refused(Exception):
    """A node and the reason it is refused."""


def read_h5_model(path: Path, shown: str) -> Contents:
    """Check a whole-model `.h5` file and return the architecture as the file has it.

    Args:
        path: the file.
        shown: its name for messages, already printable.

    Raises:
        InputError: for damage, links, anything outside the file, or a file of weights alone.
    """
    stored = measure_weights(path, shown)
    import h5py

    try:
        with h5py.File(path, "r") as file:
            architecture = file.attrs.get("model_config")
            version = file.attrs.get("keras_version")
            has_weights = "model_weights" in file
    except Exception as error:  # h5py raises half a dozen kinds for a damaged file
        raise _damaged(shown, error) from None
    if architecture is None:
        raise InputError(
            f"{shown}: no architecture in this file (weights only); "
            "save the whole model with model.save, not model.save_weights"
        )
    if not isinstance(architecture, (bytes, str)) or not has_weights:
        raise InputError(f"{shown}: not a model saved by Keras; save the whole model again")
    if isinstance(version, bytes):
        version = version.decode("utf-8", "replace")
    return Contents(architecture, version if isinstance(version, str) else None, stored)


def measure_weights(path: Path, shown: str) -> int:
    """Check every node of an HDF5 file and count the numbers in its datasets.

    Args:
        path: the file.
        shown: its name for messages, already printable.

    Returns:
        How many numbers are stored, over all datasets.

    Raises:
        InputError: for damage, links, anything outside the file, or sizes beyond the caps.
    """
    import h5py

    size = path.stat().st_size
    count = declared = stored = 0
    try:
        with h5py.File(path, "r") as file:
            for where, node in _nodes(h5py, file):
                _check_attributes(h5py, node, where, size)
                if isinstance(node, h5py.h5d.DatasetID):
                    numbers, bytes_declared = _check_dataset(h5py, node, where)
                    count += numbers
                    declared += bytes_declared
                    stored += node.get_storage_size()
    except _Refused as refused:
        raise InputError(f"{shown}: {refused}; Keras does not write this") from None
    except Exception as error:  # h5py raises half a dozen kinds for a damaged file
        raise _damaged(shown, error) from None
    if declared > MAX_WEIGHT_BYTES:
        raise InputError(f"{shown}: weights of {declared} bytes; {MAX_WEIGHT_BYTES} are allowed")
    if declared > _MAX_EXPANSION * min(max(stored, 1), size):
        raise InputError(
            f"{shown}: declares {declared} bytes of weights but stores {min(stored, size)}"
        )
    return count


def _nodes(h5py: Any, file: Any) -> Iterator[tuple[str, Any]]:
    """Every group and dataset once, reached over hard links only."""
    pending: list[tuple[str, Any]] = [("/", file.id)]
    seen: set[Any] = set()
    while pending:
        where, node = pending.pop()
        address = h5py.h5o.get_info(node).addr
        if address in seen:
            continue
        seen.add(address)
        if len(seen) > _MAX_OBJECTS:
            raise _Refused(f"more than {_MAX_OBJECTS} nodes")
        if isinstance(node, h5py.h5d.DatasetID):
            yield where, node
            continue
        # File and group ids both answer as the group they stand for.
        group = h5py.h5g.open(node, b"/") if where == "/" else node
        yield where, group
        for key in group:
            child = f"{where.rstrip('/')}/{printable(key.decode('utf-8', 'replace'))}"
            if group.links.get_info(key).type != h5py.h5l.TYPE_HARD:
                raise _Refused(f"node {child[:200]} is a soft or external link")
            opened = h5py.h5o.open(group, key)
            if not isinstance(opened, (h5py.h5g.GroupID, h5py.h5d.DatasetID)):
                raise _Refused(f"node {child[:200]} is neither a group nor a dataset")
            pending.append((child[:200], opened))


def _check_attributes(h5py: Any, node: Any, where: str, file_size: int) -> None:
    """Attributes are numbers or text, and declare no more than the file can hold."""
    for index in range(h5py.h5a.get_num_attrs(node)):
        attribute = h5py.h5a.open(node, index=index)
        name = printable(attribute.name.decode("utf-8", "replace")[:80])
        stored = attribute.get_type()
        is_text = isinstance(stored, h5py.h5t.TypeStringID)
        if not is_text and not _holds_numbers(h5py, stored):
            raise _Refused(f"attribute {name} of node {where} is neither numbers nor plain text")
        # Texts of variable length may all name the same bytes, so their number has its own cap.
        texts = is_text and stored.is_variable_str()
        if texts and math.prod(attribute.shape) > _MAX_TEXTS:
            raise _Refused(f"attribute {name} of node {where} has more than {_MAX_TEXTS} texts")
        if math.prod(attribute.shape) * stored.get_size() > min(file_size, _MAX_ATTRIBUTE_BYTES):
            raise _Refused(f"attribute {name} of node {where} is larger than the file")


def _check_dataset(h5py: Any, dataset: Any, where: str) -> tuple[int, int]:
    """Return how many numbers the dataset declares and the bytes that reading them takes."""
    stored = dataset.get_type()
    if not _holds_numbers(h5py, stored):
        raise _Refused(f"dataset {where} does not hold numbers")
    creation = dataset.get_create_plist()
    if creation.get_external_count():
        raise _Refused(f"dataset {where} keeps its data in another file")
    layout = creation.get_layout()
    if layout not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
        raise _Refused(f"dataset {where} is virtual: its data is in other datasets or files")
    for index in range(creation.get_nfilters()):
        if creation.get_filter(index)[0] not in (_DEFLATE, _SHUFFLE, _LZF):
            raise _Refused(f"dataset {where} uses a filter other than gzip, shuffle or lzf")
    numbers = math.prod(dataset.shape)
    chunk = math.prod(creation.get_chunk()) if layout == h5py.h5d.CHUNKED else 0
    return numbers, max(numbers, chunk) * stored.get_size()


def _holds_numbers(h5py: Any, stored: Any) -> bool:
    types = h5py.h5t
    return isinstance(stored, (types.TypeIntegerID, types.TypeFloatID, types.TypeEnumID))


def _damaged(shown: str, error: Exception) -> InputError:
    reason = printable(str(error).split("\n")[0][:200])
    return InputError(
        f"{shown}: damaged or not HDF5 ({type(error).__name__}: {reason}); copy it again"
    )

"""Walk an HDF5 file without following anything that leads out of it.

HDF5 can point to other files (external links, external storage, virtual datasets), run filters
and plugins, and declare far more than it stores.
"""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from auditor.files.hdf5.heaps import heaps_end
from auditor.files.window import FileWindow
from auditor.text import printable

MAGIC = b"\x89HDF\r\n\x1a\n"

# NASNetLarge, the largest of Keras' applications, has 6,000 nodes and attributes.
MAX_OBJECTS = 60_000
_MAX_PLACE = 200

_MAX_CHUNK = 2**30
"""Bytes: HDF5 unpacks a chunk at once."""

_MOST_PACKED = 1100
"""Deflate makes at most 1032 bytes of one."""


class TooManyNodes(Exception):
    """More nodes and attributes than are looked at."""


def check_heaps(source: Path | FileWindow, size: int) -> None:
    """Refuse a file that HDF5 would read for ever.

    Raises:
        ValueError: It would.
    """
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        if not heaps_end(file, size):
            raise ValueError("a heap of texts does not end where it says")


def nodes(h5py: Any, file: Any) -> Iterator[tuple[str, Any, str]]:
    """Give every group and dataset once, reached over hard links only.

    Args:
        h5py: The library.
        file: An open `h5py.File`.

    Yields:
        The path, printable; the node, None for what must not be opened; and why not, or empty.

    Raises:
        TooManyNodes: There are more than `MAX_OBJECTS`.
        ValueError: Its addresses are not of 8 bytes.
    """
    if file.id.get_create_plist().get_sizes() != (8, 8):
        raise ValueError("addresses and sizes are not of 8 bytes")
    root = h5py.h5g.open(file.id, b"/")
    pending: list[tuple[str, Any, bytes]] = [("", root, b"/")]
    seen: set[Any] = set()
    count = 0
    while pending:
        where, parent, key = pending.pop()
        opened = h5py.h5o.open(parent, key)
        if not isinstance(opened, (h5py.h5g.GroupID, h5py.h5d.DatasetID)):
            yield where or "/", None, "neither a group nor a dataset"
            continue
        address = h5py.h5o.get_info(opened).addr
        if address in seen:  # a cycle, or numbers that are read once under each name
            yield where or "/", None, "a second name for a node"
            continue
        seen.add(address)
        is_group = isinstance(opened, h5py.h5g.GroupID)
        count += h5py.h5a.get_num_attrs(opened) + (len(opened) if is_group else 0)
        if count > MAX_OBJECTS:
            raise TooManyNodes
        yield where or "/", opened, ""
        for child in opened if is_group else ():
            inside = f"{where}/{printable(child[:80].decode('utf-8', 'replace'))}"[:_MAX_PLACE]
            if opened.links.get_info(child).type == h5py.h5l.TYPE_HARD:
                pending.append((inside, opened, child))
            else:
                yield inside, None, "a soft or external link"


def leads_out(h5py: Any, dataset: Any) -> str:
    """Return where else a dataset has its data; empty where it is in this file."""
    creation = dataset.get_create_plist()
    if creation.get_external_count():
        return "keeps its data in another file"
    if creation.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
        return "is virtual: its data is in other datasets or files"
    return ""


def refused(h5py: Any, dataset: Any, size: int, *, packed: bool = False) -> str:
    """Return why a dataset is not read; empty for what lies as it is in this file.

    Args:
        h5py: The library.
        dataset: A `DatasetID`.
        size: Bytes of the file.
        packed: Whether chunks are read too, as they are or packed with gzip.
    """
    if reason := leads_out(h5py, dataset):
        return reason
    creation, item = dataset.get_create_plist(), dataset.get_type().get_size()
    layout = creation.get_layout()
    declared = math.prod(dataset.shape or (0,)) * item
    if layout == h5py.h5d.CHUNKED:
        if not packed:
            return "is stored in chunks, as for compression"
        return _refused_chunks(h5py, dataset, creation, declared)
    start = (dataset.get_offset() if layout == h5py.h5d.CONTIGUOUS else 0) if declared else 0
    if start is None or start + declared > size:
        return f"declares {declared} bytes that the file does not have"
    return ""


def _refused_chunks(h5py: Any, dataset: Any, creation: Any, declared: int) -> str:
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    if any(one != h5py.h5z.FILTER_DEFLATE for one in filters):
        return "is packed with another filter than gzip; save it with compression='gzip' or none"
    chunk = math.prod(creation.get_chunk()) * dataset.get_type().get_size()
    if chunk > _MAX_CHUNK:
        return f"has chunks of {chunk} bytes; at most {_MAX_CHUNK} are unpacked at once"
    stored = dataset.get_storage_size() * _MOST_PACKED ** len(filters)
    if len(filters) > 1 or declared > stored:
        return f"declares {declared} bytes that the file does not have"
    return ""

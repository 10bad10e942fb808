"""Check the attributes of an HDF5 node: Keras keeps the architecture and weights' names there."""

import math
import re
from collections.abc import Iterator
from typing import Any

from auditor.text import printable

_MAX_BYTES = 64 * 2**20
_MAX_ATTRIBUTES = 1000
_MAX_TEXTS = 20_000
# Keras spreads a list of names over several attributes: weight_names0, weight_names1, ...
_LISTS_OF_NAMES = re.compile(rb"(layer|weight)_names\d*")


def check_attributes(h5py: Any, node: Any, file_size: int) -> Iterator[str]:
    """Tell what is not as Keras writes it: numbers or text, no more than the file can hold."""
    count = h5py.h5a.get_num_attrs(node)
    if count > _MAX_ATTRIBUTES:  # HDF5 takes longer for each, the more there are
        yield f"has {count} attributes"
        return
    names: set[bytes] = set()
    for index in range(count):
        attribute = h5py.h5a.open(node, index=index)
        shown = f"attribute {printable(attribute.name[:80].decode('utf-8', 'replace'))}"
        if reason := _refused(h5py, attribute, file_size):
            yield f"{shown} {reason}"
        elif _LISTS_OF_NAMES.fullmatch(attribute.name) and _repeats(h5py, attribute, names):
            yield f"{shown} names the same weights twice"


def text_attribute(h5py: Any, file: Any, name: str) -> str | None:
    """Return an attribute of a file that is one text; None if there is no such thing."""
    if name not in file.attrs:
        return None
    attribute = file.attrs.get_id(name)
    if not isinstance(attribute.get_type(), h5py.h5t.TypeStringID) or attribute.shape != ():
        return None
    if attribute.get_type().get_size() > _MAX_BYTES:
        return None
    text = file.attrs[name]
    return text.decode("utf-8") if isinstance(text, bytes) else str(text)


def _refused(h5py: Any, attribute: Any, file_size: int) -> str:
    """The reason to refuse an attribute; empty for numbers and text."""
    types, stored = h5py.h5t, attribute.get_type()
    is_text = isinstance(stored, types.TypeStringID)
    numbers = (types.TypeIntegerID, types.TypeFloatID, types.TypeEnumID)
    if not is_text and not isinstance(stored, numbers):
        return "is neither numbers nor plain text"
    count = math.prod(attribute.shape or ())
    # Texts of variable length may all name the same bytes, so their number has its own cap.
    if is_text and stored.is_variable_str() and count > _MAX_TEXTS:
        return f"has more than {_MAX_TEXTS} texts"
    declared = count * stored.get_size()
    return "is larger than the file" if declared > min(file_size, _MAX_BYTES) else ""


def _repeats(h5py: Any, attribute: Any, names: set[bytes]) -> bool:
    """Whether a list of names repeats one, in any way to spell a path; `names` gains them."""
    import numpy as np

    if not isinstance(attribute.get_type(), h5py.h5t.TypeStringID) or not attribute.shape:
        return False
    values = np.empty(attribute.shape, attribute.dtype)
    attribute.read(values)
    found = [name if isinstance(name, bytes) else name.encode() for name in values.ravel().tolist()]
    before = len(names)
    names.update(found)
    return len(names) < before + len(found) or any(b"." in name.split(b"/") for name in found)

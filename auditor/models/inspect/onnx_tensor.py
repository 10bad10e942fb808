"""The numbers inside an ONNX file: how many a tensor declares, and whether they are there."""

import math
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import TensorProto

_MOST_NUMBERS = 2**31
_MOST_DIMENSIONS = 32

# TensorProto.DataType → the bits of one number, the field for numbers that are not raw bytes, and
# how many entries of that field one number takes: packed types share one, complex ones take two.
_TYPES: dict[int, tuple[int, str, float]] = {
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), (8, "int32_data", 1)),
    **dict.fromkeys((4, 5, 10, 16), (16, "int32_data", 1)),
    **dict.fromkeys((21, 22, 23), (4, "int32_data", 1 / 2)),
    **dict.fromkeys((25, 26), (2, "int32_data", 1 / 4)),
    1: (32, "float_data", 1),
    6: (32, "int32_data", 1),
    7: (64, "int64_data", 1),
    11: (64, "double_data", 1),
    12: (32, "uint64_data", 1),
    13: (64, "uint64_data", 1),
    14: (64, "float_data", 2),
    15: (128, "double_data", 2),
}
_TEXT = 8
_ELSEWHERE = 1  # TensorProto.EXTERNAL


def fault(tensor: "TensorProto", folder: Path | None = None) -> str:
    """Say what is wrong with a tensor; empty for one whose numbers are all there.

    Args:
        tensor: The tensor.
        folder: Where files with numbers may be; None if all must be in the model's own file.
    """
    outside = tensor.data_location == _ELSEWHERE or tensor.external_data
    if outside and folder is None:
        where = "".join(
            f" {entry.value!r}" for entry in tensor.external_data if entry.key == "location"
        )
        return (
            f"its numbers are in another file{where[:100]}; give --allow-external-data, or "
            "export the model into a single file (save_as_external_data=False)"
        )
    if tensor.data_type == _TEXT:
        return "holds text; an image classifier computes with numbers"
    if tensor.data_type not in _TYPES:
        return f"number type {tensor.data_type} is not known; export the model with float32 weights"
    if tensor.HasField("segment"):
        return "is cut into segments, which no exporter writes"
    if len(tensor.dims) > _MOST_DIMENSIONS or any(not 0 <= d <= _MOST_NUMBERS for d in tensor.dims):
        return f"impossible dimensions {list(tensor.dims)[:8]}"
    count = math.prod(tensor.dims)
    if count > _MOST_NUMBERS:
        return f"declares {count} numbers; at most {_MOST_NUMBERS} are allowed"
    if outside and folder is not None:
        return _shortage_outside(tensor, count, folder)
    return _shortage(tensor, count)


def _shortage_outside(tensor: "TensorProto", count: int, folder: Path) -> str:
    """Compare the numbers declared with the part of a file that they are said to be."""
    said = {entry.key: entry.value for entry in tensor.external_data}
    name = PurePosixPath(said.get("location", ""))
    file = folder / name
    if name.is_absolute() or ".." in name.parts or not file.is_file():
        return f"its numbers are in {str(name)!r:.100}, which is not in the model's folder"
    if tensor.ListFields() and any(
        f.name.endswith("_data") and f.name != "external_data" for f, _ in tensor.ListFields()
    ):
        return "its numbers are in this file and in another one"
    needed = math.ceil(count * _TYPES[tensor.data_type][0] / 8)
    try:
        start = int(said.get("offset", 0))
        length = int(said.get("length", file.stat().st_size - start))
    except ValueError:
        return "its place in another file is not a number"
    if start < 0 or length != needed or start + length > file.stat().st_size:
        return f"declares {count} numbers, which are {needed} bytes, and {length} are in {name}"
    return ""


def _shortage(tensor: "TensorProto", count: int) -> str:
    """Compare the numbers declared with those that are there: neither fewer nor more will do."""
    bits, name, entries = _TYPES[tensor.data_type]
    listed = {f.name: len(v) for f, v in tensor.ListFields() if f.name.endswith("_data")}
    if tensor.HasField("raw_data"):
        needed, unit = math.ceil(count * bits / 8), "bytes"
        found = listed.pop("raw_data")
    else:
        needed, unit = math.ceil(count * entries), "entries"
        found = listed.pop(name, 0)
    if listed:
        return f"its numbers are also in {', '.join(sorted(listed))}"
    if found != needed:
        return f"declares {count} numbers, which are {needed} {unit}, and stores {found} {unit}"
    return ""

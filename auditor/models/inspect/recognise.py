"""Tell what kind of file a model is, from its content."""

import zipfile
from pathlib import Path

from auditor.errors import InputError
from auditor.files.hdf5.nodes import MAGIC as HDF5_MAGIC
from auditor.models.inspect.protobuf import outline
from auditor.models.inspect.saved_model_folder import GRAPH
from auditor.models.inspect.zip_archive import open_archive
from auditor.text import printable

FORMAT_OF_EXTENSION = {
    ".keras": "keras",
    ".h5": "h5",
    ".hdf5": "h5",
    ".onnx": "onnx",
    ".tflite": "tflite",
}

KINDS = {
    "keras": "a .keras archive",
    "h5": "HDF5 (.h5)",
    "onnx": "ONNX (.onnx)",
    "savedmodel": "a SavedModel folder",
    "tflite": "TFLite (.tflite)",
}
"""Format → how people know it."""

_READABLE = "(.keras, .h5, .onnx, .tflite or a SavedModel folder)"
_TFLITE_MAGIC = b"TFL3"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_PICKLE = "a Python pickle (which runs code when opened)"
# Field numbers of ONNX' ModelProto and of TensorFlow's GraphDef.
_ONNX_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
_GRAPHDEF_FIELDS = {1, 2, 3, 4, 5}
# What else people have: (where, bytes) → what it is.
_OTHERS = {
    (0, b"\x93NUMPY"): "a NumPy array",
    (0, b"GGUF"): "a GGUF file (weights of a language model)",
    (8, b'{"'): "a safetensors file (weights only); save the whole model instead",
}


def model_format(path: Path, name: str | None = None) -> str:
    """Tell the format of a model file from its content; a known extension must agree with it.

    Args:
        path: The file to look at; of a SavedModel, the folder.
        name: What the user calls it, when `path` is a copy.

    Returns:
        One of the keys of `KINDS`.

    Raises:
        InputError: It is empty, of another kind, or contradicts its extension.
    """
    name = path.name if name is None else name
    shown = printable(name)
    if path.exists() and not path.is_dir() and not path.is_file():
        raise InputError(f"{shown}: not an ordinary file (a pipe or device); copy it to a file")
    try:
        found = _recognise_folder(path) if path.is_dir() else _recognise_file(path)
    except OSError as error:
        raise InputError(f"{shown}: could not be read ({error.strerror})") from None
    if not found:
        raise InputError(f"{shown}: the file is empty")
    extension = Path(name).suffix.lower()
    if FORMAT_OF_EXTENSION.get(extension, found) != found:
        raise InputError(
            f"{shown}: the extension says {extension}, the content is {KINDS.get(found, found)}; "
            "give the file the extension of its content if it can be trusted to be that"
        )
    if found not in KINDS:
        raise InputError(f"{shown}: {found} is not a model file this can read {_READABLE}")
    return found


def _recognise_folder(path: Path) -> str:
    """Return the format, or what the folder is instead."""
    if (path / GRAPH).is_file():
        return "savedmodel"
    names = {entry.name for entry in path.iterdir()}
    for other in ("saved_model.pbtxt", "saved_model.cpb"):
        if other in names:
            return f"a folder with {other} (only {GRAPH} is read: save the model again), which"
    if "keras_metadata.pb" in names or "variables" in names:
        return f"a folder without its {GRAPH} (copy the whole SavedModel), which"
    return f"a folder without {GRAPH}, which"


def _recognise_file(path: Path) -> str:
    """Return the format, or what the file is instead; empty for an empty file."""
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(HDF5_MAGIC):
        return "h5"
    if head[4:].startswith(_TFLITE_MAGIC):
        return "tflite"
    if head.startswith(_ZIP_MAGICS):
        return _recognise_zip(path)
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _PICKLE
    for (start, magic), what in _OTHERS.items():
        if head[start:].startswith(magic):
            return what
    return _recognise_protobuf(path, head) if head else ""


def _recognise_protobuf(path: Path, head: bytes) -> str:
    fields = outline(path)
    if head.startswith(b"\x08\x01\x12") and fields.keys() <= {1, 2}:
        return "the saved_model.pb of a SavedModel (give its whole folder), which"
    parts = {number for number, kind in fields.items() if kind == "bytes"}
    if fields.get(1) == "number" and fields.keys() <= _ONNX_FIELDS and parts & {2, 7, 8}:
        return "onnx"
    if fields.get(1) == "bytes" and 4 in fields and fields.keys() <= _GRAPHDEF_FIELDS:
        return "a frozen TensorFlow graph (convert it to ONNX with tf2onnx), which"
    return "content of an unknown kind"


def _recognise_zip(path: Path) -> str:
    try:
        with open_archive(path) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a damaged or truncated zip archive (copy it again)"
    if "config.json" in members:
        return "keras"
    if any(member.endswith("data.pkl") for member in members):
        return "a PyTorch file (a zip with a pickle; export the model to ONNX), which"
    if any(member.endswith(".weights.h5") for member in members):
        return "an archive of weights without an architecture (save the whole model), which"
    if members and all(member.endswith(".npy") for member in members):
        return "a file of NumPy arrays"
    return "a plain zip archive"

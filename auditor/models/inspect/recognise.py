"""Tell what kind of file a model is, from its content."""

import zipfile
from pathlib import Path

from auditor.errors import InputError
from auditor.files.hdf5.nodes import MAGIC as HDF5_MAGIC
from auditor.files.stand_in import pointer
from auditor.models.inspect.foreign import foreign, foreign_protobuf, foreign_zip
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

_UNKNOWN = "content of an unknown kind; .keras, .h5, .onnx, .tflite and SavedModel folders are read"
_TFLITE_MAGIC = b"TFL3"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
# Field numbers of ONNX' ModelProto and of TensorFlow's GraphDef.
_ONNX_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
_GRAPHDEF_FIELDS = {1, 2, 3, 4, 5}


def model_format(path: Path, name: str | None = None) -> str:
    """Tell the format of a model file from its content; a known extension must agree with it.

    Args:
        path: The file to look at; of a SavedModel, the folder.
        name: What the user calls it, when `path` is a copy.

    Returns:
        One of the keys of `KINDS`.

    Raises:
        InputError: It is empty, of another kind (and which, and what to do), or contradicts its
            extension.
    """
    name = path.name if name is None else name
    shown = printable(name)
    if path.exists() and not path.is_dir() and not path.is_file():
        raise InputError(f"{shown}: not an ordinary file (a pipe or device); copy it to a file")
    try:
        found = _recognise_folder(path) if path.is_dir() else _recognise_file(path, name)
    except OSError as error:
        raise InputError(f"{shown}: could not be read ({error.strerror})") from None
    if not found:
        raise InputError(f"{shown}: the file is empty; copy it again")
    extension = Path(name).suffix.lower()
    if found not in KINDS:
        raise InputError(f"{shown}: is {found}")
    if FORMAT_OF_EXTENSION.get(extension, found) != found:
        raise InputError(
            f"{shown}: the extension says {extension}, the content is {KINDS[found]}; "
            "give the file the extension of its content if it can be trusted to be that"
        )
    return found


def _recognise_folder(path: Path) -> str:
    """Return the format, or what the folder is instead and what to do."""
    if (path / GRAPH).is_file():
        for part in (path / GRAPH, *sorted(path.glob("variables/*"))[:10]):
            if part.is_file() and (what := pointer(_head(part))):
                return f"a SavedModel whose {part.name} is {what}"
        return "savedmodel"
    names = {entry.name for entry in path.iterdir()}
    for other in ("saved_model.pbtxt", "saved_model.cpb"):
        if other in names:
            return f"a folder with {other}, of which only {GRAPH} is read; save the model again"
    if "keras_metadata.pb" in names or "variables" in names:
        return f"a folder without its {GRAPH}; copy the whole SavedModel"
    return f"a folder without {GRAPH}, so no SavedModel; give the model's file or folder"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _recognise_file(path: Path, name: str) -> str:
    """Return the format, or what the file is instead and what to do; empty for an empty one."""
    head = _head(path)
    if not head:
        return ""
    if head.startswith(HDF5_MAGIC):
        return "h5"
    if head[4:].startswith(_TFLITE_MAGIC):
        return "tflite"
    if head.startswith(_ZIP_MAGICS):
        return _recognise_zip(path)
    fields = outline(path)
    if head.startswith(b"\x08\x01\x12") and fields.keys() <= {1, 2}:
        return "the saved_model.pb of a SavedModel; give its whole folder"
    parts = {number for number, kind in fields.items() if kind == "bytes"}
    if fields.get(1) == "number" and fields.keys() <= _ONNX_FIELDS and parts & {2, 7, 8}:
        return "onnx"
    return foreign(path, name) or _of_protobuf(fields) or _UNKNOWN


def _of_protobuf(fields: dict[int, str]) -> str:
    if fields.get(1) == "bytes" and 4 in fields and fields.keys() <= _GRAPHDEF_FIELDS:
        return "a frozen TensorFlow 1 graph; convert it to ONNX with tf2onnx (--graphdef)"
    return foreign_protobuf(fields)


def _recognise_zip(path: Path) -> str:
    try:
        with open_archive(path) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a damaged or truncated zip archive; copy it again"
    if "config.json" in members:
        return "keras"
    return foreign_zip(members, lambda end: any(member.endswith(end) for member in members))

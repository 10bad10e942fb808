"""Look at a model file before any library that could run its content does.

Nothing here imports Keras or TensorFlow. `inspect` reads the architecture and the shape of the
stored weights, refuses what is not known, and returns the architecture that Keras will be given:
what was walked is what is built.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import InputError
from auditor.models.inspect_config import check_architecture, layers_of, parse_architecture
from auditor.models.inspect_hdf5 import read_h5_model
from auditor.models.inspect_zip import read_keras_zip
from auditor.models.modernise import modernise
from auditor.text import printable

FORMAT_OF_EXTENSION = {".keras": "keras", ".h5": "h5", ".hdf5": "h5"}

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Inspection:
    """What a model file says about itself, after every check has passed.

    Attributes:
        format: "keras" (the Keras 3 zip) or "h5".
        keras_version: the version that wrote the file, where the file says so.
        config: the architecture to build, with what only Keras 2 understands already translated.
        layers: (layer name, class name) of every layer, nested ones included, in file order.
        stored: how many numbers the file's weights hold, in all.
        rewritten: whether `config` differs from the file's own, so that a copy must be loaded.
    """

    format: str
    keras_version: str | None
    config: dict[str, Any]
    layers: tuple[tuple[str, str], ...]
    stored: int
    rewritten: bool


def model_format(path: Path, name: str | None = None) -> str:
    """Tell the format of a model file from its content; a known extension must agree with it.

    Args:
        path: the file to look at.
        name: what the user calls the file, when `path` is a copy of it.

    Returns:
        "keras" or "h5".

    Raises:
        InputError: the file is empty, of another kind, or contradicts its extension.
    """
    name = path.name if name is None else name
    shown = printable(name)
    if path.is_dir():
        raise InputError(f"{shown}: a folder, where a .keras or .h5 file is expected")
    if path.exists() and not path.is_file():
        raise InputError(f"{shown}: not an ordinary file (a pipe or device); copy it to a file")
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise InputError(f"{shown}: could not be read ({error.strerror})") from None
    if not head:
        raise InputError(f"{shown}: the file is empty")
    found = _recognise(path, head)
    extension = Path(name).suffix.lower()
    if FORMAT_OF_EXTENSION.get(extension, found) != found:
        kinds = {"keras": "a .keras archive", "h5": "HDF5 (.h5)"}
        raise InputError(
            f"{shown}: the extension says {extension}, the content is {kinds.get(found, found)}; "
            "give the file the extension of its content if it can be trusted to be that"
        )
    if found not in ("keras", "h5"):
        raise InputError(f"{shown}: {found} is not a model file this can read (.keras or .h5)")
    return found


def inspect(path: Path, name: str) -> Inspection:
    """Check a `.keras` or `.h5` file against the allowlists and the caps, loading nothing.

    Args:
        path: the file, usually a scratch copy.
        name: what the user calls it, for messages.

    Returns:
        What the file declares.

    Raises:
        InputError: on the first thing that is damaged, too large or not known to be harmless.
    """
    shown = printable(name)
    kind = model_format(path, name)
    read = read_keras_zip if kind == "keras" else read_h5_model
    contents = read(path, shown)
    original = parse_architecture(contents.architecture, shown)
    # Keras drops this one itself under compile=False; only nested ones ask for a rewritten copy.
    original.pop("compile_config", None)
    config = modernise(original, keras2=kind == "h5" and not _is_keras3(contents.keras_version))
    check_architecture(config, contents.stored, shown)
    return Inspection(
        format=kind,
        keras_version=contents.keras_version,
        config=config,
        layers=layers_of(config),
        stored=contents.stored,
        rewritten=config != original,
    )


def _is_keras3(version: str | None) -> bool:
    return version is not None and version.startswith("3.")


def _recognise(path: Path, head: bytes) -> str:
    if head.startswith(_HDF5_MAGIC):
        return "h5"
    if head.startswith(_ZIP_MAGICS):
        return _recognise_zip(path)
    if head.startswith(b"\x80") and head[1:2] in b"\x02\x03\x04\x05":
        return "a Python pickle (which runs code when opened)"
    if head.startswith(b"\x93NUMPY"):
        return "a NumPy array"
    if head.startswith(b"\x08") and b"\x12" in head[:8] and path.suffix.lower() != ".pb":
        return "ONNX (.onnx is not supported by this version yet); it"
    return "content of an unknown kind"


def _recognise_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a damaged or truncated zip archive (copy it again)"
    if "config.json" in members:
        return "keras"
    if any(member.endswith("data.pkl") for member in members):
        return "a PyTorch file (a zip with a pickle)"
    return "a plain zip archive"

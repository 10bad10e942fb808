"""What a source is, told by its content, and which files of it have to be read."""

import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditor.data import listed, parquet, tfds
from auditor.data.builtin import CLASS_NAMES
from auditor.data.folder import class_folders
from auditor.data.splits import split_of
from auditor.errors import InputError
from auditor.files.hdf5.nodes import MAGIC as HDF5
from auditor.files.image_file import KINDS
from auditor.files.regular_file import exists
from auditor.files.stand_in import HEAD_BYTES, stand_in
from auditor.text import printable


@dataclass(frozen=True)
class SourceKind:
    """One kind of data source.

    Attributes:
        name: What it is called.
        written: How it is given.
        summary: What it is, in a line.
        opener: Where the class is that opens it, `module:class`; empty for what is downloaded.
        words: How many words behind colons it takes at most.
    """

    name: str
    written: str
    summary: str
    opener: str = ""
    words: int = 0


BUILTIN = tuple(CLASS_NAMES)
"""Names of what Keras downloads."""

_IMAGES = ", ".join(kind.name for kind in KINDS)

SOURCES: Final[Mapping[str, SourceKind]] = {
    "folder": SourceKind(
        "a folder of class folders",
        "FOLDER",
        f"class folders of images ({_IMAGES}), classes in alphabetical order, or as classes.txt "
        "beside them has them",
        "auditor.data.folder:ImageFolder",
    ),
    "listed": SourceKind(
        "a table of paths and labels (CSV, TSV, metadata.jsonl)",
        "FILE.csv[:SPLIT][:[IMAGE:]LABEL]",
        "a table of paths and labels beside the images: CSV, TSV, GTSRB's; or a folder with a "
        "metadata.csv or metadata.jsonl",
        "auditor.data.listed:ListedImages",
        words=3,
    ),
    "npz": SourceKind(
        ".npz",
        "FILE.npz[:SPLIT]",
        "arrays x (uint8, or floating point in 0..1 or of whole numbers in 0..255) and y, "
        "optionally class_names; also x_test and y_test, images and labels",
        "auditor.data.npz:NpzFile",
        words=1,
    ),
    "hdf5": SourceKind(
        "HDF5",
        "FILE.h5[:SPLIT]",
        "the same arrays in an HDF5 file, as they are or packed with gzip",
        "auditor.data.hdf5:Hdf5File",
        words=1,
    ),
    "parquet": SourceKind(
        "Parquet",
        "FILE.parquet[:LABEL]",
        "a Parquet file as Hugging Face and pandas write it, or a folder of shards, with :SPLIT "
        "before :LABEL (bdaudit[parquet])",
        "auditor.data.parquet:ParquetImages",
        words=3,
    ),
    "tfds": SourceKind(
        "a folder of TensorFlow Datasets",
        "FOLDER[:SPLIT]",
        "a folder that TensorFlow Datasets prepared, with TFRecord files",
        "auditor.data.tfds:TfdsImages",
        words=2,
    ),
    "builtin": SourceKind(
        f"a name that Keras downloads ({', '.join(BUILTIN)})",
        "NAME[:train|test]",
        "downloaded by Keras; test unless given",
    ),
}
"""Every kind of data source."""

_NAMES = ", ".join(kind.name for kind in SOURCES.values())

ALLOWED = f"allowed: {_NAMES}"

HELP = f"Labelled images: {_NAMES}; with :SPLIT or :LABEL behind it where there is a choice."
"""What may be given for data, for the help of commands."""

_NOT_READ = (
    (b"\x93NUMPY", "is one NumPy array; save images and labels: numpy.savez(FILE, x=…, y=…)"),
    (b"\x80", "is a pickle, which is never loaded; save it with numpy.savez(FILE, x=…, y=…)"),
    (b"SQLite format", "is a database; export images and a table of labels from it"),
)


def place(source: str | Path) -> tuple[Path, tuple[str, ...]]:
    """Split a source into its path and the words behind colons.

    Args:
        source: `PATH` or `PATH:WORD:WORD`. A path that exists is taken as it is.
    """
    text = str(source)
    words: tuple[str, ...] = ()
    while not exists(text) and ":" in text and len(words) < 8:
        text, _, word = text.rpartition(":")
        words = (word, *words)
    return (Path(text), words) if words and exists(text) else (Path(source), ())


def reads(source: str | Path) -> Path:
    """Return the file or folder that reading a source takes: of a table, the folder it is in.

    Args:
        source: As `place` takes it. What cannot be read is for its opener to say.
    """
    path, _ = place(source)
    try:
        # Text first: this is asked outside the sandbox, where no archive is to be looked into.
        if stat.S_ISREG(path.stat().st_mode) and _is_text(_start(path)):
            return path.resolve().parent if kind_of(path, "") == "listed" else path
    except (InputError, OSError, ValueError):
        pass
    return path


def kind_of(path: Path, shown: str) -> str:
    """Return what a source is, one of `SOURCES`; links are followed.

    Args:
        path: A file or folder.
        shown: How messages call it.

    Raises:
        OSError: It cannot be read.
        InputError: It is of another kind, and of which.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return _kind_of_folder(path, shown)
    if not stat.S_ISREG(mode):  # opening a FIFO would wait for ever
        raise InputError(f"{shown}: is neither a file nor a folder; {ALLOWED}")
    start = _start(path)
    if not start:
        raise InputError(f"{shown}: is empty; {ALLOWED}")
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        _check_not_images(path, shown)
        return "npz"
    for magic, kind in ((HDF5, "hdf5"), (parquet.MAGIC, "parquet")):
        if start.startswith(magic):
            return kind
    _refuse_known(path, start, shown)
    if _is_text(start):
        return "listed"
    raise InputError(f"{shown}: is of no kind that is read, by its content; {ALLOWED}")


def _kind_of_folder(folder: Path, shown: str) -> str:
    if tfds.is_prepared(folder):
        return "tfds"
    classes = class_folders(folder.resolve())
    if not [name for name in classes if name != "data" and not split_of(name)]:
        if parquet.shards(folder):
            return "parquet"
    elif parquet.configurations(folder):
        return "parquet"
    if len(classes) < 2 or all(split_of(name) for name in classes):
        if listed.metadata_of(folder):
            return "listed"
    if inner := next((name for name in classes if tfds.is_prepared(folder / name)), ""):
        raise InputError(
            f"{shown}: holds versions that TensorFlow Datasets prepared; give one, such as "
            f"{printable(str(folder / inner))}"
        )
    return "folder"


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _is_text(start: bytes) -> bool:
    """Whether a file begins as text does, in any encoding without null bytes."""
    control = bytes(range(9)) + bytes(range(14, 32))
    return bool(start) and not any(byte in control for byte in start)


def _check_not_images(path: Path, shown: str) -> None:
    """Refuse a ZIP archive of anything but arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except Exception:  # its opener says what is wrong with it
        return
    if names and not any(name.endswith(".npy") for name in names):
        raise InputError(
            f"{shown}: is a ZIP archive of {len(names):,} files, such as "
            f"{printable(names[0], 80)}; unpack it and give the folder"
        )


def _refuse_known(path: Path, start: bytes, shown: str) -> None:
    if what := stand_in(start):
        raise InputError(f"{shown}: is {what}")
    for magic, why in _NOT_READ:
        if start.startswith(magic):
            raise InputError(f"{shown}: {why}")
    if any(kind.begins(start) for kind in KINDS):
        raise InputError(f"{shown}: is one image; give a folder of class folders")
    if tfds.is_shard(path):
        raise InputError(
            f"{shown}: is one file of a data set; give its folder, {printable(str(path.parent))}"
        )

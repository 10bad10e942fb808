"""Labelled images from a folder, an `.npz` file or `keras.datasets`, always as RGB uint8.

`open_source` finds out which; a `Dataset` knows its labels at once and streams its images.
"""

import stat
from pathlib import Path

from auditor.data.base import Batch, Dataset, check_labels, sample
from auditor.data.builtin import CLASS_NAMES as _BUILTIN_CLASSES
from auditor.data.builtin import fetch
from auditor.data.class_order import AUTO, ClassOrder
from auditor.data.folder import ImageFolder
from auditor.data.npz import NpzFile
from auditor.errors import InputError
from auditor.figures.facts import SkippedImage
from auditor.files.image_file import KINDS
from auditor.files.stand_in import HEAD_BYTES, stand_in
from auditor.text import printable

__all__ = [
    "BUILTIN",
    "SOURCES",
    "Batch",
    "Dataset",
    "ImageFolder",
    "NpzFile",
    "SkippedImage",
    "check_labels",
    "fetch",
    "is_builtin",
    "open_source",
    "sample",
]

BUILTIN = tuple(_BUILTIN_CLASSES)
"""Names that `fetch` downloads."""

SOURCES = {
    "FOLDER": f"class folders of images ({', '.join(kind.name for kind in KINDS)}), classes in "
    "alphabetical order, or as classes.txt beside them has them",
    "FILE.npz": "arrays x (uint8, or floating point in 0..1) and y, optionally class_names",
    "NAME[:train|test]": f"downloaded by Keras: {', '.join(BUILTIN)}; test unless given",
}
"""Every kind of data source and what it is, in a line."""


def is_builtin(source: str | Path) -> bool:
    """Whether a source is a built-in name, to be passed to `fetch` and not to `open_source`.

    A wrong split (`cifar10:val`) counts, so that `fetch` can say which there are. A folder of
    such a name is reached as `./cifar10`.
    """
    return str(source).partition(":")[0] in BUILTIN


def open_source(
    source: str | Path, class_order: str | ClassOrder = AUTO, *, exif: bool = False
) -> Dataset:
    """Open a folder or an `.npz` file, told apart by content; links are followed.

    Args:
        source: A path. Built-in names are not paths: `fetch` makes a path of them.
        class_order: Of class folders: one of `ORDERS`, or the classes in their order.
        exif: Whether image files are turned as their EXIF orientation says.

    Returns:
        The dataset, with its labels read and no image read.

    Raises:
        InputError: Missing, unreadable, of another kind, or without the folders to be ordered.
    """
    path, shown = Path(source), printable(str(source))
    allowed = "allowed: a folder of class folders, an .npz file, or " + ", ".join(BUILTIN)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return ImageFolder(source, class_order, exif=exif)
        if not stat.S_ISREG(mode):  # opening a FIFO would wait for ever
            raise InputError(f"{shown}: is neither a file nor a folder; {allowed}")
        with path.open("rb") as file:
            start = file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise InputError(f"{shown}: does not exist; {allowed}") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shown}: cannot be read: {reason}; {allowed}") from None
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _named(NpzFile(source), class_order, shown)
    if what := stand_in(start):
        raise InputError(f"{shown}: is {what}")
    what = "is empty" if not start else "is not an .npz file by its content"
    raise InputError(f"{shown}: {what}; {allowed}")


def _named(dataset: Dataset, order: str | ClassOrder, where: str) -> Dataset:
    """Return a dataset whose labels are numbers already; a list can but name them."""
    if order == AUTO:
        return dataset
    if not isinstance(order, ClassOrder):
        raise InputError(f"{where}: its labels are numbers; there is nothing to order by {order}")
    if dataset.class_names not in (None, order.names):
        raise InputError(f"{where}: its class_names are not those of the list, in its order")
    dataset.class_names, dataset.class_order = order.names, order.said
    return dataset

"""Labelled images from what people have them in, always as RGB uint8.

`SOURCES` has the kinds, and `open_source` tells them apart by content; a `Dataset` knows its labels
at once and streams its images.
"""

from pathlib import Path
from pkgutil import resolve_name

from auditor.data.base import Batch, Dataset, check_labels, sample
from auditor.data.builtin import fetch
from auditor.data.class_order import AUTO, ClassOrder
from auditor.data.folder import ImageFolder
from auditor.data.kinds import ALLOWED, BUILTIN, SOURCES, kind_of, place, reads
from auditor.data.npz import NpzFile
from auditor.errors import InputError
from auditor.figures.facts import SkippedImage
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
    "place",
    "reads",
    "sample",
]


def is_builtin(source: str | Path) -> bool:
    """Whether a source is a built-in name, to be passed to `fetch` and not to `open_source`.

    A wrong split (`cifar10:val`) counts, so that `fetch` can say which there are. A folder of
    such a name is reached as `./cifar10`.
    """
    return str(source).partition(":")[0] in BUILTIN


def open_source(
    source: str | Path, class_order: str | ClassOrder = AUTO, *, exif: bool = False
) -> Dataset:
    """Open a folder or a file of any kind in `SOURCES`, told apart by content; links are followed.

    Args:
        source: A path, with `:SPLIT` or `:COLUMN` behind it where there is a choice. Built-in names
            are not paths: `fetch` makes a path of them.
        class_order: Of classes that have names: one of `ORDERS`, or the classes in their order.
        exif: Whether image files are turned as their EXIF orientation says.

    Returns:
        The dataset, with its labels read and no image read.

    Raises:
        InputError: Missing, unreadable, of another kind, or without the names to be ordered.
    """
    path, words = place(source)
    shown = printable(str(source))
    try:
        kind = kind_of(path, shown)
    except FileNotFoundError:
        raise InputError(f"{shown}: does not exist; {ALLOWED}") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shown}: cannot be read: {reason}; {ALLOWED}") from None
    known = SOURCES[kind]
    if len(words) > known.words:
        raise InputError(
            f"{shown}: {printable(path.name, 100)} takes at most {known.words} words behind colons "
            f"({known.written})"
        )
    opened: Dataset = resolve_name(known.opener)(
        path, class_order, words, source=str(source), exif=exif
    )
    return opened

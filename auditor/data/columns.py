"""Which columns of a table are the images and the labels, by the names that people give them."""

import re
from collections.abc import Sequence

from auditor.errors import InputError
from auditor.text import printable

_IMAGES = frozenset(
    """
    path paths file files filename filenames filepath filepaths fname image images imagefile imageid
    imagename imagepath img imgid imgname imgpath idcode
    """.split()
)
_IMAGES_ELSE = frozenset(("id", "name", "uuid"))
"""Taken for the images where no column has one of the names above."""

_LABELS = frozenset(
    """
    label labels class classes classid classname category categories categoryid target targets y
    finelabel labelid labelname
    """.split()
)


_SPLITS = frozenset("split splits set dataset subset partition phase usage".split())


def splits(names: Sequence[str]) -> str:
    """Return the column that says which split a row is of; empty where none is called so."""
    found = [name for name in names if _plain(name) in _SPLITS]
    return found[0] if len(found) == 1 else ""


def images(names: Sequence[str], asked: str, where: str) -> str:
    """Return the column that says which image a row is of.

    Args:
        names: Of all columns.
        asked: The one that the user named; empty for none.
        where: How messages call the table.

    Raises:
        InputError: There is none, or several that it may be.
    """
    if asked:
        return one([name for name in names if name == asked], names, "images", asked, where)
    found = [name for name in names if _plain(name) in _IMAGES]
    found = found or [name for name in names if _plain(name) in _IMAGES_ELSE]
    return one(found, names, "images", "", where)


def labels(names: Sequence[str], asked: str, where: str, of: Sequence[str] | None = None) -> str:
    """Return the column with the labels.

    Args:
        names: Of all columns that may hold some.
        asked: The one that the user named; empty for none.
        where: How messages call the table.
        of: Names of all columns, for messages; `names` unless given.

    Raises:
        InputError: There is none, or several that it may be.
    """
    found = [name for name in names if (name == asked if asked else _plain(name) in _LABELS)]
    return one(found, of or names, "labels", asked, where)


def is_image(name: str) -> bool:
    """Whether a column is called as one of images is."""
    return _plain(name) in _IMAGES


def has_labels(names: Sequence[str]) -> bool:
    """Whether any column is called as one of labels is."""
    return any(_plain(name) in _LABELS for name in names)


def are_named(names: Sequence[str]) -> bool:
    """Whether a row holds names of columns, one of images or labels among them."""
    return any(_plain(name) in _IMAGES | _IMAGES_ELSE | _LABELS for name in names)


def one(found: Sequence[str], names: Sequence[str], what: str, asked: str, where: str) -> str:
    """Return the only one of the columns that may be meant.

    Args:
        found: Those that may be.
        names: Of all columns.
        what: What it is to hold.
        asked: The one that the user named; empty for none.
        where: How messages call the table.

    Raises:
        InputError: There is not exactly one.
    """
    if len(found) == 1:
        return found[0]
    shown = printable(", ".join(name or "(no name)" for name in names), 300)
    if asked and not found:
        raise InputError(f"{where}: has no column {printable(asked, 60)}; its columns are {shown}")
    if not found:
        raise InputError(
            f"{where}: no column is called as one of {what} is; its columns are {shown}; name it "
            f"behind a colon, {where}:{'LABEL' if what == 'labels' else 'IMAGE:LABEL'}"
        )
    choices = " or ".join(f"{where}:{name}" for name in found)
    if what != "labels":
        choices = " or ".join(f"{where}:{name}:LABEL" for name in found)
    raise InputError(
        f"{where}: {printable(' and '.join(found), 200)} may each be the column of {what}; give "
        f"{printable(choices, 300)}"
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())

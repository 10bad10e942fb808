"""Images that a table lists, each with its label: `labels.csv`, `metadata.jsonl`, GTSRB's files.

Paths are relative to the table's folder, or to a folder in it, and may lack their suffix, as
`table_paths` finds out. None leads out of the table's folder.
Regions of interest (`Roi.X1`) are not cropped.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import ArrayLike

from auditor.data import columns, table_paths
from auditor.data.choice import digest_of_choice, unless_usual
from auditor.data.class_order import AUTO, ClassOrder, beside
from auditor.data.encoded import manifest_line
from auditor.data.folder import check_link
from auditor.data.image_files import SUFFIXES, ImageFiles
from auditor.data.labels import Labels, Texts, of_names, of_numbers, whole_numbers
from auditor.data.parts import asked, choose
from auditor.data.parts import said as part_said
from auditor.data.splits import split_of
from auditor.data.table import Listing, first_rows, read
from auditor.errors import InputError
from auditor.text import printable

METADATA = ("metadata.csv", "metadata.jsonl")
"""Files with which Hugging Face's image folders list their images."""


class ListedImages(ImageFiles):
    """Images at the paths that a table has, in its order."""

    def __init__(
        self,
        path: str | Path,
        order: str | ClassOrder = AUTO,
        words: tuple[str, ...] = (),
        *,
        source: str = "",
        exif: bool = False,
    ) -> None:
        """Read the table; no image is opened.

        Args:
            path: Of the table, or a folder with one of `METADATA`.
            order: Of labels that are texts, one of `class_order.ORDERS`; or the classes.
            words: What the user asked for: a split where a column has them; the column of labels,
                that of images before it.
            source: What the user gave; the path unless given.
            exif: Whether images are turned as their EXIF orientation says.

        Raises:
            InputError: It is no such table, there is more than one reading of it, or a path in it
                leads elsewhere.
        """
        given = Path(path)
        table_path = metadata_of(given) if given.is_dir() else given
        self._table = (table_path or given).resolve()
        where = printable(str(table_path or path))
        whole = read(self._table, where, words)
        table, part, named = _part(whole, words, where)
        image, label = _chosen(table, named, where)
        self._choice = unless_usual(
            (*filter(None, [part]), image, label), lambda: _usual(whole, where)
        )
        at, of = table.names.index(image), table.names.index(label)
        root = self._table.parent
        names = [_relative(row[at], root, where) for row in table.rows]
        texts = [row[of] for row in table.rows]
        folder, suffix = table_paths.place(names, self._table, where)
        paths = [str(PurePosixPath(folder, name + suffix)) for name in names]
        _check_links(paths, root)
        super().__init__(
            source or str(path), root, paths, _labels(texts, order, root, where), exif=exif
        )
        taken = [part_said(part, _parts(whole)[1])] if part else []
        self.taken = "; ".join([*taken, *_said(table, image, label, folder, suffix)])

    def digest(self, indices: ArrayLike) -> str:
        """SHA-256 of the lines that `sha256sum TABLE PATH…`, run in its folder, prints.

        Where the user chose other columns than are taken without a word, of their names, too.

        Args:
            indices: int (n,); the images' lines are in this order.
        """
        lines = self._digest(indices, manifest_line(self._table, self._table.name))
        return digest_of_choice(lines, self._choice)


def metadata_of(folder: Path) -> Path | None:
    """Return the table of a folder that lists its images with their labels; None without one."""
    for name in METADATA:
        path = folder / name
        check_link(path, folder.resolve())
        if path.is_file() and columns.has_labels(read(path, printable(str(path))).names):
            return path
    return None


def _chosen(table: Listing, words: tuple[str, ...], where: str) -> tuple[str, str]:
    """Return the columns of images and of labels."""
    image, label = (*("", "")[len(words) :], *words)
    if not table.named and not words:
        return _unnamed(table, where)
    return columns.images(table.names, image, where), columns.labels(table.names, label, where)


def _usual(whole: Listing, where: str) -> tuple[str, ...]:
    """Return the split and the columns that are taken without a word."""
    table, part, _ = _part(whole, (), where)
    return (*filter(None, [part]), *_chosen(table, (), where))


def _part(
    table: Listing, words: tuple[str, ...], where: str
) -> tuple[Listing, str, tuple[str, ...]]:
    """Return the rows of one split where a column says which a row is of, the split, other words.

    Without such a column all rows are returned, of no split.
    """
    at, found = _parts(table)
    if not found:
        return table, "", words
    wanted, rest = asked(found, words)
    part = choose(found, wanted, where)
    return replace(table, rows=[row for row in table.rows if row[at] == part]), part, rest


def _parts(table: Listing) -> tuple[int, Counter[str]]:
    """Return which column has the splits, and how many rows are of each; none where none has."""
    column = columns.splits(table.names)
    if not column:
        return 0, Counter()
    at = table.names.index(column)
    found = Counter(row[at] for row in table.rows)
    return at, found if all(map(split_of, found)) else Counter()


def _unnamed(table: Listing, where: str) -> tuple[str, str]:
    """Tell two columns without names apart: one has image files."""
    found = [
        name
        for i, name in enumerate(table.names)
        if all(cell.lower().endswith(SUFFIXES) for cell in first_rows(table, i))
    ]
    if len(found) == 1 and len(table.names) == 2:
        return found[0], next(name for name in table.names if name != found[0])
    first = printable(", ".join(table.rows[0]), 200)
    raise InputError(
        f"{where}: has no line that names its columns (the first is: {first}); put one on "
        "top, such as path,label"
    )


def _labels(texts: list[str], order: str | ClassOrder, root: Path, where: str) -> Labels:
    numbers = whole_numbers(texts)
    if numbers is not None:
        return of_numbers(numbers, None, order, where)
    found = Texts(where)
    places = np.array(found.numbers(texts), np.int64)
    if order == AUTO:
        order = beside(root, found.found, where) or AUTO
    return of_names(list(found.found), places, order, where)


def _relative(name: str, root: Path, where: str) -> str:
    """Return a listed path relative to the table's folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() and path.is_relative_to(root):
        path = path.relative_to(root)
    if path.is_absolute() or ".." in path.parts or not name:
        raise InputError(
            f"{where}: lists {printable(name, 100) or 'an image without a path'}, which is not in "
            "the folder of the table; put the images there"
        )
    return str(path)


def _check_links(paths: list[str], root: Path) -> None:
    """Refuse links on the way to an image that lead out of the folder, as class folders do."""
    folders: set[Path] = set()
    for path in paths:
        full = root / path
        for one in (full, *_above(full, root)):
            if one in folders:
                break
            try:
                is_link = one.is_symlink()
            except (OSError, ValueError):  # no file can have this name
                continue
            if is_link:
                check_link(one, root)
            if one != full:
                folders.add(one)


def _above(path: Path, root: Path) -> Iterator[Path]:
    """Give the folders between an image and the table's folder."""
    while (path := path.parent) != root:
        yield path


def _said(table: Listing, image: str, label: str, folder: str, suffix: str) -> Iterator[str]:
    yield f"images by {image} and labels by {label}, of {', '.join(table.names)}"
    if folder:
        yield f"paths start at {folder}"
    if suffix:
        yield f"{suffix} added to each"
    if any("roi" in name.lower().split(".") for name in table.names):
        yield "regions of interest not cropped"

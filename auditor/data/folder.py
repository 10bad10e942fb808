"""A folder of class folders of image files; `encoded` says how these are read."""

import errno
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.data import class_order
from auditor.data.class_order import AUTO, ClassOrder
from auditor.data.image_files import SUFFIXES, ImageFiles
from auditor.data.labels import Labels, of_names
from auditor.data.splits import split_of
from auditor.errors import InputError
from auditor.figures.facts import UnusedFiles
from auditor.text import printable

NO_CLASSES = frozenset(
    ("#recycle", "$recycle.bin", "@eadir", "__macosx", "lost+found", "system volume information")
)
"""Folders that systems and archivers leave behind, small letters: there is nothing of the user's in
them. Those that begin with a dot (`.ipynb_checkpoints`) are hidden anyway."""

_NO_IMAGES = frozenset(("desktop.ini", "thumbs.db"))
"""Files of the same kind."""

_IMAGES_TOO = (
    *("", ".avif", ".dcm", ".exr", ".hdr", ".heic", ".heif", ".jp2", ".jxl", ".npy", ".pfm"),
    *(".raw", ".svg", ".tga"),
)
"""Suffixes of files that are images all the same, as far as is known; those without may be."""

_UNUSED_SHARE = 0.01

_IN_THE_HUBS_CACHE = ("models--", "datasets--")

_TABLES = (".csv", ".tsv", ".jsonl")


class ImageFolder(ImageFiles):
    """Images at `folder/class/…/image`; an empty class counts.

    Classes are in the order that is asked for, else as a file `classes.txt` or `labels.txt` beside
    them has them, else in alphabetical order. Hidden files and folders are ignored, and those of
    `NO_CLASSES`. Images are sorted by folder and path, whatever the order of the classes.
    """

    def __init__(
        self,
        folder: str | Path,
        order: str | ClassOrder = AUTO,
        words: tuple[str, ...] = (),
        *,
        source: str = "",
        exif: bool = False,
    ) -> None:
        """List the images; none is opened.

        Args:
            folder: Holds one folder per class.
            order: One of `ORDERS`, or the classes themselves; some may have no folder.
            words: None: there is nothing to choose.
            source: What the user gave; the folder unless given.
            exif: Whether images are turned as their EXIF orientation says.

        Raises:
            InputError: No class folders, no images, splits in place of classes, a folder that
                cannot be listed, a link that leads out of the folder or to another folder, or an
                order that does not fit.
        """
        self._root = Path(folder).resolve()
        source = source or str(folder)
        other: Counter[str] = Counter()
        folders = class_folders(self._root)
        if not folders:
            raise InputError(
                f"{printable(source)}: has no class folders; images must be at FOLDER/CLASS/IMAGE"
                + _table_beside(self._root, source)
            )
        _check_splits(folders, self._root, source)
        # Positions do not depend on the classes' order: what is drawn stays when it is settled.
        per_class = [sorted(self._images(c, other)) for c in folders]
        places = np.repeat(np.arange(len(folders)), [len(paths) for paths in per_class])
        labels = self._labels(folders, places, order, printable(source))
        paths = [path for some in per_class for path in some]
        if not paths:
            found = ", ".join(_called(suffix) for suffix, _ in other.most_common(3))
            raise InputError(
                f"{printable(source)}: no {', '.join(SUFFIXES)} files in its class folders"
                + (f" (found {found})" if found else "")
            )
        _check_unused(other, len(paths), printable(source))
        super().__init__(source, self._root, paths, labels, exif=exif)
        counted = sorted(other.items(), key=lambda item: (-item[1], item[0]))
        self.unused = tuple(UnusedFiles(suffix, count) for suffix, count in counted)
        if len(folders) == 1:
            self.instead = _one_level_down(paths, source) + _table_beside(self._root, source)
            self.instead = self.instead.removeprefix("; ")

    def _labels(
        self, folders: list[str], places: NDArray[np.int64], order: str | ClassOrder, where: str
    ) -> Labels:
        """Number the classes as is asked for, as a list beside them says, or as may be."""
        if order == AUTO:
            order = class_order.beside(self._root, folders, where) or AUTO
        return of_names(folders, places, order, where, "class folder")

    def _images(self, class_name: str, other: Counter[str]) -> Iterator[str]:
        """Relative paths of a class's images, unordered; counts other files' suffixes."""
        folders = [class_name]
        while folders:
            folder = folders.pop()
            for entry in _entries(self._root / folder, self._root):
                path = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.name.lower().endswith(SUFFIXES):
                    yield path
                else:
                    other[Path(entry.name).suffix.lower()] += 1


def class_folders(root: Path) -> list[str]:
    """Return the names of the folders in a folder that may be classes, sorted.

    Args:
        root: The folder, an absolute path without links.

    Raises:
        InputError: It cannot be listed, or holds a link that leads out of it or to a folder.
    """
    return sorted(entry.name for entry in _entries(root, root) if entry.is_dir())


def check_link(link: Path, root: Path) -> None:
    """Refuse a link that leads out of a folder of data, to a folder, or to itself.

    Args:
        link: A path that may be one; what it leads to need not exist.
        root: The folder, an absolute path without links.

    Raises:
        InputError: It does.
    """
    if not link.is_symlink():
        return
    try:
        link.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            message = f"{printable(str(link))}: is a link that leads to itself"
            raise InputError(message) from None
    target = link.resolve()
    if not target.is_relative_to(root):
        if target.parent.name == "blobs" and target.parents[1].name.startswith(_IN_THE_HUBS_CACHE):
            raise InputError(
                f"{printable(str(link))}: is a link into the cache of Hugging Face's hub, which is "
                "not followed; download with --local-dir FOLDER, or copy with cp -rL, and give that"
            )
        raise InputError(
            f"{printable(str(link))}: is a link that leads out of the data folder; "
            "put the file itself there"
        )
    if target.is_dir():
        raise InputError(
            f"{printable(str(link))}: is a link to a folder; put the folder itself there"
        )


def _entries(folder: Path, root: Path) -> Iterable["os.DirEntry[str]"]:
    """What a folder holds and is neither hidden nor a system's, every link checked."""
    try:
        with os.scandir(folder) as listing:
            entries = [entry for entry in listing if not entry.name.startswith(".")]
    except OSError as error:
        message = f"{printable(str(folder))}: cannot be listed: {error.strerror}"
        raise InputError(message) from None
    entries = [entry for entry in entries if entry.name.lower() not in NO_CLASSES | _NO_IMAGES]
    for entry in entries:
        if entry.is_symlink():
            check_link(Path(entry.path), root)
    return entries


def _check_splits(folders: list[str], root: Path, source: str) -> None:
    """Refuse a folder of `train` and `test`, which would be measured as two classes."""
    splits = {name: split for name in folders if (split := split_of(name))}
    if len(splits) < len(folders) and not {"train"} < set(splits.values()):
        return
    best = max(splits, key=lambda name: splits[name] == "test")
    raise InputError(
        f"{printable(source)}: holds {printable(' and '.join(splits), 100)}, which are parts of a "
        f"data set and not classes; give the one to use: {printable(str(Path(source) / best))}"
        + _table_beside(root, source)
    )


def _one_level_down(paths: list[str], source: str) -> str:
    """Where all images lie in folders of the one class folder: these may be the classes."""
    parts = [path.split("/") for path in paths]
    if any(len(part) < 3 for part in parts):
        return ""
    inner = len({part[1] for part in parts})
    return (
        f"{printable(parts[0][0], 60)} is the one folder in it, and holds {inner} folders with "
        f"images: if these are the classes, give {printable(str(Path(source) / parts[0][0]))}"
    )


def _table_beside(root: Path, source: str) -> str:
    """Where a table lies beside images, it may be what has their labels."""
    tables = sorted(p.name for p in root.iterdir() if p.name.lower().endswith(_TABLES))
    if not tables:
        return ""
    return f"; if a table has the labels, give it: {printable(str(Path(source) / tables[0]))}"


def _check_unused(other: Counter[str], used: int, where: str) -> None:
    """Refuse a folder of which a part would be left out.

    Notes beside images (.xml, .txt) are no part of it.
    """
    left_out = Counter({suffix: n for suffix, n in other.items() if suffix in _IMAGES_TOO})
    if left_out.total() > _UNUSED_SHARE * (used + left_out.total()):
        found = ", ".join(f"{_called(suffix)} {n:,}" for suffix, n in left_out.most_common(3))
        raise InputError(
            f"{where}: {left_out.total():,} of {used + left_out.total():,} images in its class "
            f"folders are of kinds that are not read ({found}), more than 1 %; convert them to "
            f"{', '.join(SUFFIXES)}, or move them away"
        )


def _called(suffix: str) -> str:
    return printable(suffix, 20) or "files without a suffix"

"""A folder of class folders of JPEG, PNG and BMP files.

How a file becomes RGB uint8, whatever its name says it is:

- gray becomes three equal channels, a palette its colours, 1, 2 and 4 bits are spread to 0..255;
- alpha and PNG transparency are dropped, not blended with a background;
- 16-bit PNG keeps the high byte of each value;
- JPEG is decoded with the accurate integer transform and smooth chroma upsampling;
- CMYK is converted without a colour profile and taken for inverted, as Adobe writes it and Pillow
  reads it, to within 2 of 255;
- EXIF orientation, gamma and colour profiles are ignored: pixels are taken as stored;
- of an animated PNG the still image is used.

OpenCV decodes, whatever the backend is. All but CMYK comes out as from TensorFlow's and Pillow's
decoders, pixel for pixel: `tests/benchmarks/results/decoding.md`.

Damage that a format has no means to notice (a few changed bytes inside a JPEG scan) decodes to
wrong pixels, as it does everywhere; the digest is what fixes the bytes that were used.
"""

import errno
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data import class_order
from auditor.data.base import Batch, Dataset
from auditor.data.class_order import AUTO, ClassOrder
from auditor.data.decode import decode_one, decode_stream
from auditor.errors import InputError
from auditor.figures.facts import SkippedImage, UnusedFiles
from auditor.files import listing
from auditor.files.image_file import KINDS, UnreadableImage, regular_file_size
from auditor.files.regular_file import read_regular
from auditor.text import printable

SUFFIXES = tuple(suffix for kind in KINDS for suffix in kind.suffixes)
"""Files that are taken for images; all others are counted and not used."""

_IMAGES_TOO = (
    *("", ".avif", ".dcm", ".exr", ".hdr", ".heic", ".heif", ".jp2", ".jxl", ".npy", ".pfm"),
    *(".raw", ".svg", ".tga"),
)
"""Suffixes of files that are images all the same, as far as is known; those without may be."""

_UNUSED_SHARE = 0.01

_HASHED_IN_A_ROW = 64
"""Files that a thread hashes at a time: small ones cost less than handing them over."""


class ImageFolder(Dataset):
    """Images at `folder/class/…/image`; an empty class counts.

    Classes are in the order that is asked for, else as a file `classes.txt` or `labels.txt` beside
    them has them, else in alphabetical order. Hidden files and folders are ignored. Images are
    sorted by folder and path, whatever the order of the classes.
    """

    def __init__(
        self, folder: str | Path, order: str | ClassOrder = AUTO, *, exif: bool = False
    ) -> None:
        """List the images; none is opened.

        Args:
            folder: Holds one folder per class.
            order: One of `ORDERS`, or the classes themselves; some may have no folder.
            exif: Whether images are turned as their EXIF orientation says.

        Raises:
            InputError: No class folders, no images, a folder that cannot be listed, a link that
                leads out of the folder or to another folder, or an order that does not fit.
        """
        self._root = Path(folder).resolve()
        self.exif = exif
        source = str(folder)
        other: Counter[str] = Counter()
        folders = sorted(e.name for e in self._entries(self._root) if e.is_dir())
        if not folders:
            raise InputError(
                f"{printable(source)}: has no class folders; images must be at FOLDER/CLASS/IMAGE"
            )
        orders = self._orders(folders, order, printable(source))
        classes = orders[0].names
        # Positions do not depend on the classes' order: what is drawn stays when it is settled.
        per_class = [sorted(self._images(c, other)) for c in folders]
        self._paths = [path for paths in per_class for path in paths]
        if not self._paths:
            found = ", ".join(_called(suffix) for suffix, _ in other.most_common(3))
            raise InputError(
                f"{printable(source)}: no {', '.join(SUFFIXES)} files in its class folders"
                + (f" (found {found})" if found else "")
            )
        _check_unused(other, len(self._paths), printable(source))
        places = {name: number for number, name in enumerate(classes)}
        numbers = [places[c] for c in folders]
        labels = np.repeat(numbers, [len(paths) for paths in per_class])
        super().__init__(source, labels.astype(np.int64), classes)
        self.class_order = orders[0].said if len(orders) == 1 else ""
        self.orders = orders if len(orders) > 1 else ()
        counted = sorted(other.items(), key=lambda item: (-item[1], item[0]))
        self.unused = tuple(UnusedFiles(suffix, count) for suffix, count in counted)

    def image_size(self) -> tuple[int, int]:
        """Height and width of the first readable image; see `Dataset.image_size`."""
        first = ""
        for index in range(len(self)):
            try:
                height, width = decode_one(self._path(index), exif=self.exif).shape[:2]
            except UnreadableImage as error:
                first = first or str(error)
                continue
            return height, width
        raise InputError(
            f"{printable(self.source)}: none of its {len(self)} images can be read; the first, "
            f"{printable(self.name_of(0))}: {first}"
        )

    def name_of(self, index: int) -> str:
        """Path relative to the folder, with `/`."""
        return self._paths[index]

    def digest(self, indices: ArrayLike) -> str:
        """SHA-256 of the lines that `sha256sum PATH…`, run in the folder, prints for the images.

        Files that cannot be opened have no line there, as with `sha256sum`.

        Args:
            indices: int (n,); the lines are in this order.

        Returns:
            64 hex digits.
        """
        order = np.asarray(indices, np.int64)
        total = hashlib.sha256()
        with ThreadPoolExecutor(max_workers=4) as pool:
            # In pieces, because `map` makes all of its futures at once.
            for start in range(0, len(order), 16 * _HASHED_IN_A_ROW):
                piece = order[start : start + 16 * _HASHED_IN_A_ROW]
                cuts = range(_HASHED_IN_A_ROW, len(piece), _HASHED_IN_A_ROW)
                for lines in pool.map(self._manifest, np.split(piece, cuts)):
                    total.update(lines)
        return total.hexdigest()

    def batches(
        self, indices: ArrayLike, size: tuple[int, int], batch_size: int
    ) -> Iterator[Batch]:
        """Decode images in several threads; see `Dataset.batches`."""
        order = np.asarray(indices, np.int64)
        for some in decode_stream(
            lambda i: self._path(int(order[i])), len(order), size, batch_size, exif=self.exif
        ):
            chosen = order[some.positions]
            skipped = tuple(
                SkippedImage(self.name_of(int(order[i])), reason) for i, reason in some.refused
            )
            resized, turned = int(some.resized.sum()), int(some.turned.sum())
            yield Batch(some.images, self.labels[chosen], chosen, resized, skipped, turned)

    def _path(self, index: int) -> Path:
        return self._root / self._paths[index]

    def _manifest(self, indices: NDArray[np.int64]) -> bytes:
        return b"".join(self._manifest_line(index) for index in indices.tolist())

    def _manifest_line(self, index: int) -> bytes:
        path = self._path(index)
        try:
            regular_file_size(path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except (UnreadableImage, OSError):
            return b""
        return listing.line(digest, self._paths[index])

    def _orders(
        self, folders: list[str], wanted: str | ClassOrder, where: str
    ) -> tuple[ClassOrder, ...]:
        """Return the order of the classes; all that are possible where nothing says which."""
        if isinstance(wanted, ClassOrder):
            if unknown := sorted(set(folders) - set(wanted.names)):
                raise InputError(
                    f"{where}: has a class folder {printable(unknown[0], 60)}, which the list of "
                    f"{len(wanted.names)} classes does not name; every folder needs its line"
                )
            return (wanted,)
        if wanted != AUTO:
            return (class_order.wanted(folders, wanted, where),)
        for name in class_order.LISTS:
            try:
                content = read_regular(self._root / name, class_order.MAX_BYTES)
                names = class_order.listed(content, where)
            except (OSError, InputError):
                continue  # of that name, but no list of classes
            if set(folders) <= set(names):
                return (ClassOrder(names, f"as {name} beside them has it"),)
        return class_order.possible(folders)

    def _images(self, class_name: str, other: Counter[str]) -> Iterator[str]:
        """Relative paths of a class's images, unordered; counts other files' suffixes."""
        folders = [class_name]
        while folders:
            folder = folders.pop()
            for entry in self._entries(self._root / folder):
                path = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.name.lower().endswith(SUFFIXES):
                    yield path
                else:
                    other[Path(entry.name).suffix.lower()] += 1

    def _entries(self, folder: Path) -> Iterable["os.DirEntry[str]"]:
        """What a folder holds and is not hidden, every link checked."""
        try:
            with os.scandir(folder) as listing:
                entries = [entry for entry in listing if not entry.name.startswith(".")]
        except OSError as error:
            message = f"{printable(str(folder))}: cannot be listed: {error.strerror}"
            raise InputError(message) from None
        for entry in entries:
            if entry.is_symlink():
                self._check_link(Path(entry.path))
        return entries

    def _check_link(self, link: Path) -> None:
        try:
            link.stat()  # what it leads to need not exist
        except OSError as error:
            if error.errno == errno.ELOOP:
                message = f"{printable(str(link))}: is a link that leads to itself"
                raise InputError(message) from None
        target = link.resolve()
        if not target.is_relative_to(self._root):
            raise InputError(
                f"{printable(str(link))}: is a link that leads out of the data folder; "
                "put the file itself there"
            )
        if target.is_dir():
            raise InputError(
                f"{printable(str(link))}: is a link to a folder; put the folder itself there"
            )


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

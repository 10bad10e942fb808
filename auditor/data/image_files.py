"""Images that are files in one folder, whatever says which of them and of which class."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data.encoded import EncodedImages, ImageAt, manifest_line
from auditor.data.labels import Labels
from auditor.files.image_file import KINDS

SUFFIXES = tuple(suffix for kind in KINDS for suffix in kind.suffixes)
"""Of files that are taken for images."""

_HASHED_IN_A_ROW = 64
"""Files that a thread hashes at a time: small ones cost less than handing them over."""


class ImageFiles(EncodedImages):
    """Image files; none is opened before it is asked for."""

    def __init__(
        self, source: str, root: Path, paths: list[str], labels: Labels, *, exif: bool
    ) -> None:
        """Keep where they are.

        Args:
            source: What the user gave.
            root: The folder that they are in, an absolute path without links.
            paths: (N,) relative to it, with `/`.
            labels: One a path.
            exif: Whether images are turned as their EXIF orientation says.
        """
        super().__init__(source, labels, exif=exif)
        self._root, self._paths = root, paths

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
        return self._digest(indices, b"")

    def _digest(self, indices: ArrayLike, before: bytes) -> str:
        """Return the digest of some lines and of the images' behind them."""
        order = np.asarray(indices, np.int64)
        total = hashlib.sha256(before)
        with ThreadPoolExecutor(max_workers=4) as pool:
            # In pieces, because `map` makes all of its futures at once.
            for start in range(0, len(order), 16 * _HASHED_IN_A_ROW):
                piece = order[start : start + 16 * _HASHED_IN_A_ROW]
                cuts = range(_HASHED_IN_A_ROW, len(piece), _HASHED_IN_A_ROW)
                for lines in pool.map(self._manifest, np.split(piece, cuts)):
                    total.update(lines)
        return total.hexdigest()

    def _images_at(self, order: NDArray[np.int64]) -> ImageAt:
        return lambda place: self._path(int(order[place]))

    def _path(self, index: int) -> Path:
        return self._root / self._paths[index]

    def _manifest(self, indices: NDArray[np.int64]) -> bytes:
        return b"".join(manifest_line(self._path(i), self._paths[i]) for i in indices.tolist())

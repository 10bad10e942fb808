"""An `.npz` file with images `x`, labels `y` and, where wanted, `class_names`.

How `x` becomes RGB uint8:

- uint8 (n, h, w, 3) as it is; (n, h, w) and (n, h, w, 1) are gray, copied to three channels;
  of (n, h, w, 4) the alpha channel is dropped, not blended;
- floating point must lie in [0, 1] and becomes round(255 x), halves to even;
- other dtypes are refused: whether uint16 means 0..255 or 0..65535 cannot be known.

`y` is (n,) or (n, 1) of integers, or (n, classes) with exactly one 1 in each row and 0 elsewhere.
`class_names` is an array of text. Nothing is ever unpickled.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data.base import Batch, Dataset
from auditor.data.npy_member import NpyMember
from auditor.data.resize import resize
from auditor.errors import InputError
from auditor.files.image_file import MAX_PIXELS
from auditor.text import printable

_MAX_IMAGES = 50_000_000
_MAX_NAMES_BYTES = 64 * 2**20
_LABEL_BLOCK_BYTES = 4 * 2**20


class NpzFile(Dataset):
    """Images in an `.npz` file, stored or deflated, streamed from it rather than loaded."""

    def __init__(self, path: str | Path) -> None:
        """Check the arrays' headers and read the labels.

        Args:
            path: A regular file.

        Raises:
            InputError: It is no `.npz` with such arrays, and what is wrong.
        """
        self._path = Path(path)
        self._where = printable(str(path))
        with self._open() as archive:
            keys = self._keys(archive)
            with self._member(archive, "x") as x:
                self._check_images(x)
                self._height, self._width = x.shape[1:3]
                count = x.shape[0]
            with self._member(archive, "y") as y:
                if y.shape[0] != count:
                    raise InputError(
                        f"{self._where}: x has {count} images but y has {y.shape[0]} labels"
                    )
                labels = _labels(y, f"{self._where}: y")
            names = self._class_names(archive) if "class_names" in keys else None
        super().__init__(str(path), labels, names)

    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._height, self._width

    def name_of(self, index: int) -> str:
        """`row 17`."""
        return f"row {index}"

    def digest(self, indices: ArrayLike) -> str:
        """SHA-256, in hex, of the whole file, whichever rows are used."""
        try:
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._cannot_read(error) from None

    def batches(
        self, indices: ArrayLike, size: tuple[int, int], batch_size: int
    ) -> Iterator[Batch]:
        """Read one row after the other; see `Dataset.batches`.

        Raises:
            InputError: The file is damaged, or a floating-point image leaves [0, 1].
        """
        order = np.asarray(indices, np.int64)
        with self._open() as archive, self._member(archive, "x") as x:
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                images = np.empty((len(chosen), *size, 3), np.uint8)
                # Ascending within the batch, so that unsorted indices rewind once per batch.
                for place in np.argsort(chosen, kind="stable").tolist():
                    images[place] = resize(self._rgb(x, int(chosen[place])), size)
                resized = 0 if size == self.image_size() else len(chosen)
                yield Batch(images, self.labels[chosen], chosen, resized)

    def _rgb(self, x: NpyMember, index: int) -> NDArray[np.uint8]:
        """One image as uint8 (h, w, 3)."""
        image = x.rows(index)[0]
        if image.dtype.kind == "f":
            low, high = image.min(), image.max()
            if not (low >= 0 and high <= 1):  # also true of NaN
                raise InputError(
                    f"{self._where}: x has values from {low:g} to {high:g} in {self.name_of(index)}"
                    "; floating point must lie in [0, 1], or save 0..255 as uint8"
                )
            image = np.rint(image.astype(np.float64) * 255).astype(np.uint8)
        if image.ndim == 2:
            image = image[..., np.newaxis]
        if image.shape[2] == 1:
            image = np.repeat(image, 3, axis=2)
        return np.ascontiguousarray(image[..., :3])

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self._path)
        except OSError as error:
            raise self._cannot_read(error) from None
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise InputError(
                f"{self._where}: is not a whole .npz file: {printable(str(error), 120)}"
            ) from None

    def _cannot_read(self, error: OSError) -> InputError:
        return InputError(f"{self._where}: cannot be read: {error.strerror or error}")

    def _member(self, archive: zipfile.ZipFile, key: str) -> NpyMember:
        return NpyMember(archive, key, f"{self._where}: {key}")

    def _keys(self, archive: zipfile.ZipFile) -> list[str]:
        members = archive.namelist()
        keys = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
        shown = printable(", ".join(keys) or "none", 120)
        if len({name.removesuffix(".npy") for name in members}) != len(members):
            raise InputError(f"{self._where}: has two arrays of one name (found: {shown})")
        if missing := [key for key in ("x", "y") if key not in keys]:
            raise InputError(
                f"{self._where}: has no array {' and no array '.join(missing)} (found: {shown}); "
                "images go in x and labels in y"
            )
        return keys

    def _check_images(self, x: NpyMember) -> None:
        shape, where = x.shape, f"{self._where}: x"
        gray = len(shape) == 3
        if not gray and (len(shape) != 4 or shape[3] not in {1, 3, 4}):
            first = len(shape) == 4 and shape[1] in {1, 3, 4}
            advice = "; its channels come first: save x.transpose(0, 2, 3, 1)" if first else ""
            raise InputError(
                f"{where}: has shape {shape}; (n, h, w, 3), (n, h, w, 1), (n, h, w, 4) or "
                f"(n, h, w) is needed{advice}"
            )
        if x.dtype != np.uint8 and x.dtype.kind != "f":
            raise InputError(
                f"{where}: has dtype {x.dtype}; save it as uint8 in 0..255 "
                "or as floating point in [0, 1]"
            )
        if min(shape[1:3]) < 1 or shape[1] * shape[2] > MAX_PIXELS or shape[0] > _MAX_IMAGES:
            raise InputError(
                f"{where}: has shape {shape}; at most {_MAX_IMAGES} images of 1 pixel "
                f"to {MAX_PIXELS // 10**6} megapixels are read"
            )

    def _class_names(self, archive: zipfile.ZipFile) -> tuple[str, ...]:
        where = f"{self._where}: class_names"
        with self._member(archive, "class_names") as member:
            count = member.shape[0]
            if len(member.shape) != 1 or member.dtype.kind not in "US":
                raise InputError(
                    f"{where}: has shape {member.shape} and dtype {member.dtype}; "
                    "a one-dimensional array of text is needed"
                )
            if count * member.dtype.itemsize > _MAX_NAMES_BYTES:
                raise InputError(f"{where}: is larger than {_MAX_NAMES_BYTES // 2**20} MiB")
            names = member.rows(0, count)
        try:
            return tuple(n.decode() if isinstance(n, bytes) else n for n in names.tolist())
        except (ValueError, SystemError):  # the latter of a code point that Unicode does not have
            raise InputError(f"{where}: is not valid text; save it as a str array") from None


def _labels(y: NpyMember, where: str) -> NDArray[np.int64]:
    """Labels int64 (n,), read in blocks because one-hot rows can be long."""
    one_hot = len(y.shape) == 2 and y.shape[1] > 1
    if not one_hot and (y.dtype.kind not in "iu" or len(y.shape) > 2 or y.shape[1:] == (0,)):
        raise InputError(
            f"{where}: has shape {y.shape} and dtype {y.dtype}; integers of shape (n,) are needed: "
            "save y.astype('int64')"
        )
    labels = np.empty(y.shape[0], np.int64)
    row_bytes = max(1, y.dtype.itemsize * (y.shape[1] if one_hot else 1))
    step = max(1, _LABEL_BLOCK_BYTES // row_bytes)
    for start in range(0, len(labels), step):
        block = y.rows(start, min(step, len(labels) - start))
        labels[start : start + len(block)] = (
            _from_one_hot(block, start, where) if one_hot else block.reshape(-1)
        )
    return labels


def _from_one_hot(block: NDArray[Any], start: int, where: str) -> NDArray[np.int64]:
    if block.dtype.kind not in "iufb":
        raise InputError(f"{where}: has dtype {block.dtype}; integers are needed")
    ones = block == 1
    bad = np.flatnonzero((ones.sum(axis=1) != 1) | ((block != 0) != ones).any(axis=1))
    if len(bad):
        raise InputError(
            f"{where}: row {start + int(bad[0])} is not one-hot (one 1, else 0); "
            "save the class numbers: y.argmax(axis=1)"
        )
    return np.asarray(ones.argmax(axis=1), np.int64)

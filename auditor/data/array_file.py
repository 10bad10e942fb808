"""A file with an array of images and one of labels: what all such files have in common."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data import array_names
from auditor.data.base import Batch, Dataset
from auditor.data.choice import digest_of_choice, unless_usual
from auditor.data.class_order import AUTO, ClassOrder
from auditor.data.labels import Labels, Texts, classes, of_names, of_numbers
from auditor.data.pixels import Rows, pixels
from auditor.data.resize import resize
from auditor.errors import InputError
from auditor.text import printable

_LABEL_BLOCK_BYTES = 4 * 2**20


class Arrays(Protocol):
    """An open file of arrays."""

    def names(self) -> list[str]:
        """Of all that are there."""

    def array(self, name: str) -> AbstractContextManager[Rows]:
        """Open one."""

    def class_names(self) -> tuple[str, ...] | None:
        """One a class, where the file has them."""


class ArrayFile(Dataset):
    """Images in an array of a file, streamed from it rather than loaded.

    Labels are (n,) or (n, 1) of whole numbers or of texts, or (n, classes) with exactly one 1 in
    each row and 0 elsewhere.
    """

    def __init__(
        self,
        path: str | Path,
        order: str | ClassOrder = AUTO,
        words: tuple[str, ...] = (),
        *,
        source: str = "",
        exif: bool = False,
    ) -> None:
        """Check the arrays' shapes and read the labels.

        Args:
            path: A regular file.
            order: Of labels that are texts, one of `class_order.ORDERS`; or the classes.
            words: The split to take where the file has several; none for the test split.
            source: What the user gave; the path unless given.
            exif: Nothing: arrays have no orientation.

        Raises:
            InputError: It has no such arrays, and what is wrong.
        """
        self._path = Path(path)
        self._where = printable(str(path))
        with self._opened() as file:
            names = file.names()
            chosen = array_names.pair(names, "".join(words), self._where)
            self._x = chosen.x
            self._chosen = unless_usual(
                (chosen.x, chosen.y), lambda: array_names.pair(names, "", self._where).names
            )
            with file.array(chosen.x) as x:
                self._pixels = pixels(x, f"{self._where}: {chosen.x}")
                count = x.shape[0]
            with file.array(chosen.y) as y:
                if y.shape[0] != count:
                    raise InputError(
                        f"{self._where}: {chosen.x} has {count} images but {chosen.y} has "
                        f"{y.shape[0]} labels"
                    )
                labels = _labels(y, file.class_names(), order, f"{self._where}: {chosen.y}")
        super().__init__(source or str(path), labels)
        self.taken = "; ".join(filter(None, (chosen.said, self._pixels.said())))

    @abstractmethod
    def _opened(self) -> AbstractContextManager[Arrays]:
        """Open the file."""

    def image_size(self) -> tuple[int, int]:
        """Height and width of every image."""
        return self._pixels.size

    def name_of(self, index: int) -> str:
        """`row 17`."""
        return f"row {index}"

    def digest(self, indices: ArrayLike) -> str:
        """SHA-256, in hex, of the whole file, whichever rows are used, and of a choice in it."""
        try:
            with self._path.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest()
                return digest_of_choice(whole, self._chosen)
        except OSError as error:
            raise self._cannot_read(error) from None

    def batches(
        self, indices: ArrayLike, size: tuple[int, int], batch_size: int
    ) -> Iterator[Batch]:
        """Read one row after the other; see `Dataset.batches`.

        Raises:
            InputError: The file is damaged, or an image's numbers are not those of a picture.
        """
        order = np.asarray(indices, np.int64)
        with self._opened() as file, file.array(self._x) as x:
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                images = np.empty((len(chosen), *size, 3), np.uint8)
                # Ascending within the batch, so that unsorted indices go back once per batch.
                for place in np.argsort(chosen, kind="stable").tolist():
                    images[place] = resize(self._rgb(x, int(chosen[place])), size)
                resized = 0 if size == self.image_size() else len(chosen)
                yield Batch(images, self.labels[chosen], chosen, resized)

    def _rgb(self, x: Rows, index: int) -> NDArray[np.uint8]:
        return self._pixels.rgb(x.rows(index)[0], f"{self._where}: {self._x}", self.name_of(index))

    def _cannot_read(self, error: OSError) -> InputError:
        return InputError(f"{self._where}: cannot be read: {error.strerror or error}")


def _labels(y: Rows, names: tuple[str, ...] | None, order: str | ClassOrder, where: str) -> Labels:
    """Return the labels of an array, numbers or texts."""
    text = y.dtype.kind in "US"
    shape, one_hot = y.shape, len(y.shape) == 2 and y.shape[1] > 1 and not text
    if not one_hot and (
        y.dtype.kind not in "biufUS" or len(shape) > 2 or (len(shape) == 2 and shape[1] != 1)
    ):
        raise InputError(
            f"{where}: has shape {shape} and dtype {y.dtype}; whole numbers or texts of shape "
            "(n,) are needed"
        )
    if text:
        return _of_texts(y, names, order, where)
    numbers = np.empty(shape[0], np.int64)
    for start, block in _blocks(y):
        numbers[start : start + len(block)] = (
            _from_one_hot(block, start, where) if one_hot else classes(block, start, where)
        )
    return of_numbers(numbers, names, order, where)


def _of_texts(
    y: Rows, names: tuple[str, ...] | None, order: str | ClassOrder, where: str
) -> Labels:
    """Number texts as `class_names` has them; as is asked for where there are none."""
    texts = Texts(where)
    places = np.empty(y.shape[0], np.int64)
    for start, block in _blocks(y):
        try:
            values = block.reshape(-1).tolist()
        except (ValueError, SystemError):  # of a code point that Unicode does not have
            raise InputError(f"{where}: is not valid text; save it as a str array") from None
        places[start : start + len(block)] = texts.numbers(values)
    if names is not None:
        if len(set(names)) < len(names):
            raise InputError(f"{where}: class_names has a name twice; each class needs its own")
        if isinstance(order, ClassOrder) and order.names != names:
            raise InputError(f"{where}: class_names are not those of the list, in its order")
        order = ClassOrder(names, "as class_names has it")
    return of_names(list(texts.found), places, order, where)


def _blocks(y: Rows) -> Iterator[tuple[int, NDArray[Any]]]:
    """Give the rows some at a time, because one-hot rows can be long, with the first's number."""
    row_bytes = max(1, y.dtype.itemsize * (y.shape[1] if len(y.shape) == 2 else 1))
    step = max(1, _LABEL_BLOCK_BYTES // row_bytes)
    for start in range(0, y.shape[0], step):
        yield start, y.rows(start, min(step, y.shape[0] - start))


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

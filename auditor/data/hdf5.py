"""An HDF5 file with an array of images and one of labels, as h5py, courses and CSAW's lab write it.

`array_names` has the names that are known, `pixels` how images become RGB. Read are numbers that
are in this file, as they are or in chunks packed with gzip; nothing that leads to another file is
followed, and no attribute is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, prod
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from auditor.data.array_file import ArrayFile
from auditor.errors import InputError
from auditor.files.hdf5.nodes import (
    MAX_OBJECTS,
    TooManyNodes,
    check_heaps,
    leads_out,
    nodes,
    refused,
)
from auditor.text import printable

_DAMAGED = (KeyError, OSError, OverflowError, RuntimeError, SystemError, TypeError, ValueError)
"""What h5py raises for a damaged file."""

_CLASS_NAMES = ("class_names", "list_classes")
_MAX_NAMES_BYTES = 4 * 2**20
_LEAST_CACHE, _MOST_CACHE = 2**20, 2**30


class Hdf5File(ArrayFile):
    """Images in an HDF5 file."""

    @contextmanager
    def _opened(self) -> Iterator["_Datasets"]:
        try:
            size = self._path.stat().st_size
            check_heaps(self._path, size)
            with h5py.File(self._path, "r") as file:
                yield _Datasets(file, _names(file, self._where), size, self._where)
        except TooManyNodes:
            raise InputError(
                f"{self._where}: has more than {MAX_OBJECTS:,} nodes and attributes"
            ) from None
        except _DAMAGED as error:
            reason = printable(str(error).split("\n")[0], 200)
            raise InputError(
                f"{self._where}: damaged or not HDF5 ({type(error).__name__}: {reason}); "
                "copy it again"
            ) from None


def _names(file: Any, where: str) -> list[str]:
    """Return the paths of all datasets, none left open, of a file that leads nowhere else."""
    found = []
    for place, node, reason in nodes(h5py, file):
        if node is None:
            raise InputError(f"{where}: {place}: {reason}, which is not followed; copy what it is")
        if isinstance(node, h5py.h5d.DatasetID):
            if reason := leads_out(h5py, node):
                raise InputError(f"{where}: {place}: {reason}; save it in this one")
            found.append(place.removeprefix("/"))
    return sorted(found)


class _Datasets:
    def __init__(self, file: Any, names: list[str], size: int, where: str) -> None:
        self._file, self._names, self._size, self._where = file, names, size, where

    def names(self) -> list[str]:
        return self._names

    @contextmanager
    def array(self, name: str) -> Iterator["_Rows"]:
        dataset, where = self._open(name), f"{self._where}: {name}"
        numbers = (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID)
        if not isinstance(dataset.get_type(), numbers) and dataset.dtype != np.bool_:
            raise InputError(f"{where}: does not hold numbers; save numbers of classes, and uint8")
        if reason := refused(h5py, dataset, self._size, packed=True):
            raise InputError(f"{where}: {reason}")
        if not dataset.shape:
            raise InputError(f"{where}: has shape {dataset.shape}; one row per image is needed")
        access = _cache(dataset, where)
        del dataset  # a dataset keeps the cache of its first opening until all are closed
        yield _Rows(h5py.Dataset(self._open(name, access)))

    def _open(self, name: str, access: Any = None) -> Any:
        return h5py.h5d.open(self._file.id, name.encode(), access)

    def class_names(self) -> tuple[str, ...] | None:
        for name in _CLASS_NAMES:
            dataset = self._open(name) if name in self._names else None
            if dataset is None or len(dataset.shape or ()) != 1:
                continue
            stored = dataset.get_type()
            if not isinstance(stored, h5py.h5t.TypeStringID):
                continue
            if stored.get_size() * dataset.shape[0] > _MAX_NAMES_BYTES:
                raise InputError(f"{self._where}: {name}: is larger than 4 MiB")
            if reason := refused(h5py, dataset, self._size, packed=True):
                raise InputError(f"{self._where}: {name}: {reason}")
            try:
                return tuple(self._texts(dataset, name))
            except UnicodeDecodeError:
                raise InputError(f"{self._where}: {name}: is not UTF-8 text") from None
        return None

    def _texts(self, dataset: Any, name: str) -> Iterator[str]:
        """Give texts one by one: all of variable length may lead to one place in the file."""
        texts, total = h5py.Dataset(dataset), 0
        for row in range(texts.shape[0]):
            text = texts[row]
            total += len(text)
            if total > _MAX_NAMES_BYTES:
                raise InputError(f"{self._where}: {name}: is larger than 4 MiB")
            yield bytes(text).decode("utf-8")


class _Rows:
    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._dataset.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        kind: np.dtype[Any] = self._dataset.dtype
        return kind

    def rows(self, first: int, count: int = 1) -> NDArray[Any]:
        return np.asarray(self._dataset[first : first + count])


def _cache(dataset: Any, where: str) -> Any:
    """Return how to open a dataset so that a row's chunks stay unpacked for its neighbours."""
    creation, access = dataset.get_create_plist(), h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    if creation.get_layout() != h5py.h5d.CHUNKED:
        return access
    chunk = creation.get_chunk()
    across = prod(ceil(side / of) for side, of in zip(dataset.shape[1:], chunk[1:], strict=True))
    needed = across * prod(chunk) * dataset.get_type().get_size()
    if needed > _MOST_CACHE:
        raise InputError(
            f"{where}: one row lies in chunks of {needed} bytes; at most {_MOST_CACHE} are "
            "unpacked at once"
        )
    access.set_chunk_cache(max(521, 4 * across), max(needed, _LEAST_CACHE), 1.0)
    return access

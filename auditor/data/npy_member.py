"""One array inside an .npz file, read row by row instead of whole."""

import math
import zipfile
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.text import printable

_T = TypeVar("_T")

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)
"""What zipfile raises for damaged, encrypted and exotically compressed members."""


class NpyMember:
    """An open `.npy` member of an open zip file; a context manager.

    Attributes:
        shape: The array's shape, at least one axis.
        dtype: Its dtype, never one with Python objects.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, archive: zipfile.ZipFile, key: str, where: str) -> None:
        """Open a member and read its header.

        Args:
            archive: The open `.npz`.
            key: The array's name, without `.npy`.
            where: How messages call the array.

        Raises:
            InputError: The member or its header is damaged or of a kind that is not allowed.
        """
        self._where = where
        info = archive.getinfo(f"{key}.npy")
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise InputError(f"{where}: is compressed in a way that NumPy does not write")
        self._stream = self._guarded(lambda: archive.open(info))
        try:
            self.shape, fortran, self.dtype = self._guarded(self._header)
            self._start = self._stream.tell()
            self._row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
            self._check(fortran, info.file_size)
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the member, not the archive."""
        self._stream.close()

    def rows(self, first: int, count: int = 1) -> NDArray[Any]:
        """Read rows that follow each other.

        Going forward skips cheaply; going back starts again at the beginning of the member.

        Args:
            first: Index of the first along axis 0.
            count: How many.

        Returns:
            (count, *shape[1:]) in `dtype`, read-only.

        Raises:
            InputError: The member is damaged.
        """
        wanted = count * self._row_bytes
        data = self._guarded(lambda: self._bytes_at(first * self._row_bytes, wanted))
        if len(data) != wanted:
            raise InputError(f"{self._where}: is cut off at row {first}")
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])

    def _bytes_at(self, offset: int, count: int) -> bytes:
        position = self._start + offset
        if self._stream.tell() != position:
            self._stream.seek(position)
        return self._stream.read(count)

    def _header(self) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        version = npy.read_magic(self._stream)
        if version not in readers:
            raise ValueError(f"version {version}")
        header: tuple[tuple[int, ...], bool, np.dtype[Any]] = readers[version](self._stream)
        return header

    def _check(self, fortran: bool, file_size: int) -> None:
        where, shape = self._where, self.shape
        if self.dtype.hasobject:
            raise InputError(
                f"{where}: holds Python objects, which are never loaded; "
                "save it as an array of numbers or of text, as .astype(str) makes of texts"
            )
        if not shape or min(shape) < 0:
            raise InputError(f"{where}: has shape {shape}; one row per image is needed")
        if fortran and len(shape) > 1:
            raise InputError(
                f"{where}: is stored in Fortran order; save numpy.ascontiguousarray of it"
            )
        needed, there = shape[0] * self._row_bytes, file_size - self._start
        if needed != there:
            raise InputError(
                f"{where}: its shape {shape} needs {needed} bytes but {there} are there"
            )

    def _guarded(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except _BROKEN as error:
            raise InputError(f"{self._where}: is damaged: {_first_line(error)}") from None
        except Exception as error:  # a header is parsed as Python, which fails in many ways
            raise InputError(f"{self._where}: is not an array: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return printable((str(error).splitlines() or [type(error).__name__])[0], 120)

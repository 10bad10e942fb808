"""Open a zip archive without reading a list of a million members first."""

import io
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MAX_DIRECTORY = 2**20


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose directory, the list of its members, is of at most a megabyte.

    Args:
        path: The file.

    Raises:
        BadZipFile: It is no archive, or its directory is larger.
    """
    with _Limited(path) as file, zipfile.ZipFile(file) as archive:
        file.largest = sys.maxsize
        yield archive


class _Limited(io.BufferedReader):
    """A file that refuses large reads: zipfile reads the directory at once, then parses it."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.largest = _MAX_DIRECTORY

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.largest:
            raise zipfile.BadZipFile("it lists more members than any model has")
        return super().read(size)

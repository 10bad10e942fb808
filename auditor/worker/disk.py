"""A disk that a worker writes on: it is stopped before others find it full."""

import os
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import WorkError

_LEAST_FREE = 1 << 30
_LEAST_FILES = 20_000
_SHARE = 4
"""Of a small disk, a quarter of what was free at first stays free."""

_BYTES_A_FILE = 1 << 10
"""That an empty file takes where files are kept in memory."""


@dataclass(frozen=True)
class _Free:
    """Bytes, and files that can be made; 0 files where there is no limit of them."""

    bytes: int
    files: int


class Disk:
    """Watches the disk that a folder is on.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        """Take note of what is free."""
        self.folder = folder
        self._first = _free(folder)
        self._in_memory = _in_memory(folder)

    def check(self) -> None:
        """Look at what is free.

        Raises:
            WorkError: It is less than has to stay free.
        """
        now, first, where = _free(self.folder), self._first, self.folder.parent
        if now.bytes < min(_LEAST_FREE, first.bytes // _SHARE):
            raise WorkError(f"{where}: the disk is almost full; the worker was stopped")
        if now.files < min(_LEAST_FILES, first.files // _SHARE):
            raise WorkError(
                f"{where}: the disk takes hardly any more files; the worker was stopped"
            )

    def memory(self) -> int:
        """Return the bytes of memory that what was written since takes; 0 on a real disk.

        All that was written counts, whoever wrote it: a file without a name shows nowhere else.
        """
        if not self._in_memory:
            return 0
        now, first = _free(self.folder), self._first
        files = _BYTES_A_FILE * (first.files - now.files)
        return max(0, first.bytes - now.bytes) + max(0, files)


def disks(folders: list[Path]) -> list[Disk]:
    """Return the disks that some folders are on, each once."""
    return [
        Disk(folder) for folder in {folder.stat().st_dev: folder for folder in folders}.values()
    ]


def _free(folder: Path) -> _Free:
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise WorkError(f"{folder}: {error.strerror}; the worker was stopped") from None
    return _Free(found.f_bavail * found.f_frsize, found.f_favail)


def _in_memory(folder: Path) -> bool:
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:  # not Linux
        return False
    return any(
        mount.split()[2] == number and mount.partition(" - ")[2].startswith("tmpfs ")
        for mount in mounts
    )

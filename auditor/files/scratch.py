"""Scratch folders, which are gone when their process is: at the latest when the next one starts.

A process that is killed leaves its folder, and a copy of the model in it. Each folder holds a file
that its process has locked for life; who gets the lock knows that the process is gone.
"""

import fcntl
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from auditor.files.removal import remove_tree

_PREFIX: Final = "bdaudit-"
_HELD: Final = ".held-by-bdaudit"
_AT_MOST: Final = 3_600
"""Seconds that a process takes from making its file to locking it, a moment, and much more."""


class Scratch:
    """A folder of this process alone.

    Attributes:
        path: The folder, absolute, without links.
    """

    def __init__(self) -> None:
        """Make it, and remove those whose processes are gone.

        Raises:
            OSError: It cannot be made.
        """
        _remove_left()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        unheld = self.path / f"{_HELD}.new"  # of its final name it is locked from the beginning
        self._held = os.open(unheld, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with suppress(OSError):  # where files cannot be locked, nobody will take it for left
            fcntl.flock(self._held, fcntl.LOCK_EX)
            unheld.rename(self.path / _HELD)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        with suppress(OSError):
            remove_tree(self.path)
        os.close(self._held)


def _remove_left() -> None:
    """Remove the scratch folders of this user whose processes have ended without doing so."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_left(Path(entry.path))


def _held(folder: int, flags: int) -> int:
    """Open a folder's file that is locked; what a process made that was killed before it locked it.

    Raises:
        OSError: There is none, or it was made so lately that its process may be about to lock it.
    """
    try:
        return os.open(_HELD, flags, dir_fd=folder)
    except FileNotFoundError:
        unheld = f"{_HELD}.new"
        if time.time() - os.stat(unheld, dir_fd=folder, follow_symlinks=False).st_mtime < _AT_MOST:
            raise
        return os.open(unheld, flags, dir_fd=folder)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder if it is certainly a scratch folder of ours, and nobody's any more.

    Raises:
        OSError: It is not; or its process lives.
    """
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        held = _held(here, flags)
        try:
            found = os.fstat(held)
            mine = os.fstat(here).st_uid == found.st_uid == os.geteuid()
            if mine and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(folder)
        finally:
            os.close(held)
    finally:
        os.close(here)

"""Scratch folders, which are gone when their process is: at the latest when the next one starts.

A process that is killed leaves its folder, and a copy of the model in it. Each folder holds a file
that its process has locked for life; who gets the lock knows that the process is gone.
"""

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "bdaudit-"
_HELD: Final = ".held-by-bdaudit"


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
        _remove(self.path)
        os.close(self._held)


def _remove_left() -> None:
    """Remove the scratch folders of this user whose processes have ended without doing so."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_left(Path(entry.path))


def _remove_if_left(folder: Path) -> None:
    """Remove a folder if it is certainly a scratch folder of ours, and nobody's any more.

    Raises:
        OSError: It is not; or its process lives.
    """
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        held = os.open(_HELD, flags, dir_fd=here)
        try:
            found = os.fstat(held)
            mine = os.fstat(here).st_uid == found.st_uid == os.geteuid()
            if mine and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
        finally:
            os.close(held)
    finally:
        os.close(here)


def _remove(folder: Path) -> None:
    """Remove a folder, whatever a worker has made of it."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():  # folders nested deeper than Python follows, or that nobody may look into
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], capture_output=True, check=False)

"""One process at a time in a folder."""

import fcntl
import os
from pathlib import Path
from typing import Final

from auditor.errors import UsageError
from auditor.files.own_file import open_own
from auditor.text import printable

NAME: Final = "lock"


class Lock:
    """A folder held by this process, which the kernel lets go of however the process ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            UsageError: Another process holds it.
            OSError: The lock file cannot be made, is not ours, or went with its folder.
        """
        path = folder / NAME
        self._descriptor = open_own(path, os.O_RDWR)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 20)
            self.release()
            who = f"process {int(holder)}" if holder.isdigit() else "another process"
            shown = printable(str(folder))
            raise UsageError(f"{shown}: {who} is at work in it; wait, or take another") from error
        try:
            if not os.path.samestat(os.fstat(self._descriptor), path.lstat()):
                raise OSError(0, "was removed meanwhile")
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, str(os.getpid()).encode("ascii"))
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Let another process take it."""
        os.close(self._descriptor)

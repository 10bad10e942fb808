"""One process at a time in a folder."""

import fcntl
import os
from pathlib import Path
from typing import Final

from auditor.errors import UsageError
from auditor.text import printable

NAME: Final = "lock"


class Lock:
    """A folder held by this process, which the kernel lets go of however the process ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            UsageError: Another process holds it.
            OSError: The lock file cannot be made.
        """
        self._descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 20)
            self.release()
            who = f"process {int(holder)}" if holder.isdigit() else "another process"
            shown = printable(str(folder))
            raise UsageError(f"{shown}: {who} is at work in it; wait, or take another") from error
        os.truncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode("ascii"))

    def release(self) -> None:
        """Let another process take it."""
        os.close(self._descriptor)

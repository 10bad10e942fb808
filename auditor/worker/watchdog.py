"""What a worker may use of the machine while it runs, watched from outside."""

import os
import re
import time
from pathlib import Path

from auditor.errors import WorkError

SILENCE = 15 * 60
"""Seconds without a word after which a worker is taken to hang."""

MOST_SAID = 256 << 20
"""Bytes that a worker may say in all: a step of training is about a hundred."""

_MOST_THREADS = 4096
_LEAST_FREE = 256 << 20
_EVERY = 0.5
_LEAST_MEMORY = 4 << 30
_SHARE = 0.9


class Watchdog:
    """Watches one worker."""

    def __init__(self, pid: int, scratch: Path, memory: int, seconds: float) -> None:
        """Begin to watch.

        Args:
            pid: The worker's.
            scratch: The folder that it writes in.
            memory: Bytes that it may hold.
            seconds: Seconds that it may run.
        """
        self._pid, self._room, self._memory, self._seconds = pid, scratch, memory, seconds
        self._began = self._spoke = self._looked = time.monotonic()
        self._said = 0
        self._scarce = _free(scratch) < _LEAST_FREE

    def heard(self, size: int) -> None:
        """Take note that the worker said something.

        Raises:
            WorkError: It has said more than any work has to tell.
        """
        self._spoke = time.monotonic()
        self._said += size
        if self._said > MOST_SAID:
            raise WorkError(f"the worker said more than {MOST_SAID >> 20} MiB and was stopped")

    def check(self) -> None:
        """Look at what the worker uses, twice a second at most.

        Raises:
            WorkError: It is more than it may; names what.
        """
        now = time.monotonic()
        if now - self._looked < _EVERY:
            return
        self._looked = now
        if now - self._began > self._seconds:
            limit = f"{self._seconds / 60:g} minutes"
            raise WorkError(f"not done within --time-limit, {limit}; the worker was stopped")
        if now - self._spoke > SILENCE:
            minutes = SILENCE // 60
            raise WorkError(f"the worker has said nothing for {minutes} minutes and was stopped")
        memory, threads = _used(self._pid)
        if memory > self._memory:
            raise WorkError(out_of_memory(self._memory))
        if threads > _MOST_THREADS:
            raise WorkError(f"the worker started more than {_MOST_THREADS} threads; stopped")
        if not self._scarce and _free(self._room) < _LEAST_FREE:
            raise WorkError(f"{self._room.parent}: the disk is almost full; the worker was stopped")


def out_of_memory(limit: int) -> str:
    """Say that a worker needed more memory than it may have, and what to do."""
    return (
        f"the worker needs more than its {limit / 2**30:.1f} GiB of memory; "
        "try a smaller --batch-size, or a larger --memory-limit"
    )


def free_memory() -> int:
    """Return the bytes that a worker may have by default: most of what is free, at least 4 GiB."""
    return max(_LEAST_MEMORY, int(_SHARE * min(_machine(), _group())))


def _machine() -> int:
    try:
        with Path("/proc/meminfo").open() as facts:
            return next(int(f.split()[1]) << 10 for f in facts if f.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 1 << 62


def _group() -> int:
    """Return what the container leaves, where there is one."""
    root = Path("/sys/fs/cgroup")
    try:
        limit = int((root / "memory.max").read_text())
        return limit - int((root / "memory.current").read_text())
    except (OSError, ValueError):
        return 1 << 62


def _used(pid: int) -> tuple[int, int]:
    """Return the bytes that a process holds and the number of its threads."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0, 0
    # Bytes, since the first line is a name that the process gives itself.
    held = re.search(rb"^VmRSS:\s*(\d+) kB$", status, re.MULTILINE)
    threads = re.search(rb"^Threads:\s*(\d+)$", status, re.MULTILINE)
    return int(held[1]) << 10 if held else 0, int(threads[1]) if threads else 0


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize

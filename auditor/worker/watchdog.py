"""What a worker may use of the machine while it runs, watched from outside."""

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from auditor.errors import WorkError
from auditor.worker.disk import disks

SILENCE = 15 * 60
"""Seconds without a word after which a worker is taken to hang."""

MOST_SAID = 256 << 20
"""Bytes that a worker may say in all: a step of training is about a hundred."""

_MOST_THREADS = 4096
_LEAST_MEMORY = 4 << 30
_SHARE = 0.9

_HELD = re.compile(rb"^(?:VmRSS|VmSwap|VmPTE|HugetlbPages):\s*(\d+) kB$", re.MULTILINE)
"""What a process holds of memory, in `/proc/PID/status`: its page tables, too, are of its making.
"""

_THREADS = re.compile(rb"^Threads:\s*(\d+)$", re.MULTILINE)
_TRIES = 20


class Watchdog:
    """Watches one worker."""

    def __init__(self, pid: int, folders: Iterable[Path], memory: int, seconds: float) -> None:
        """Begin to watch.

        Args:
            pid: The worker's.
            folders: The folders that it writes in.
            memory: Bytes that it may hold.
            seconds: Seconds that it may run.

        Raises:
            WorkError: What is free in a folder cannot be found out.
        """
        self._pid, self._memory, self._seconds = pid, memory, seconds
        self._disks = disks(list(folders))
        self._began = self._spoke = time.monotonic()
        self._said = 0

    def heard(self, size: int) -> None:
        """Take note that the worker said something.

        Raises:
            WorkError: It has said more than any work has to tell.
        """
        self._spoke = time.monotonic()
        self._said += size
        if self._said > MOST_SAID:
            raise WorkError(f"the worker said more than {MOST_SAID >> 20} MiB and was stopped")

    def heard_nothing(self) -> None:
        """Take note that there is nothing to hear.

        Raises:
            WorkError: That has been so for too long.
        """
        if time.monotonic() - self._spoke > SILENCE:
            minutes = SILENCE // 60
            raise WorkError(f"the worker has said nothing for {minutes} minutes and was stopped")

    def check(self) -> None:
        """Look at what the worker uses.

        Raises:
            WorkError: It is more than it may; names what.
        """
        if time.monotonic() - self._began > self._seconds:
            limit = f"{self._seconds / 60:g} minutes"
            raise WorkError(f"not done within --time-limit, {limit}; the worker was stopped")
        memory, threads = _used(self._pid)
        if memory > self._memory:
            raise WorkError(out_of_memory(self._memory))
        if threads > _MOST_THREADS:
            raise WorkError(f"the worker started more than {_MOST_THREADS} threads; stopped")
        for disk in self._disks:
            disk.check()
            memory += disk.memory()
            if memory > self._memory:
                raise WorkError(
                    f"{disk.folder.parent}: is kept in memory, and what was written there and the "
                    f"worker take more than its {_gib(self._memory)}; set TMPDIR or --run-dir to a "
                    "folder on a disk, or try a larger --memory-limit"
                )


def out_of_memory(limit: int) -> str:
    """Say that a worker needed more memory than it may have, and what to do."""
    return (
        f"the worker needs more than its {_gib(limit)} of memory; "
        "try a smaller --batch-size, or a larger --memory-limit"
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


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
    """Return the bytes that a process holds and the number of its threads; 0 once it has ended.

    Any thread that lives says it: the first may have ended and left the others, and one that is
    seen may have ended before it is asked.
    """
    for _ in range(_TRIES):
        with suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                # Bytes, since the first line is a name that the process gives itself.
                status = (thread / "status").read_bytes()
                if (held := _HELD.findall(status)) and (threads := _THREADS.search(status)):
                    return sum(map(int, held)) << 10, int(threads[1])
    return 0, 0

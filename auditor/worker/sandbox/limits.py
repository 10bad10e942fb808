"""What this process may use: memory, size of a file, and the rights of root."""

import contextlib
import ctypes
import os
import resource
import struct
import sys
import time
from collections.abc import Iterator

from auditor.worker.sandbox.libc import call

LARGEST_FILE = 16 << 30
"""Bytes; a repaired model of the largest size that is taken in fits."""

_MOST_FILES_OPEN = 1024
"""Enough on most systems; each pipe of them holds memory of the kernel's, which nobody counts."""

_MOST_SIGNALS_WAITING = 1024
"""The kernel counts them for all that a user runs."""

_VERSION_3 = 0x20080522
_OVERRIDE, _READ_SEARCH = 1, 2
_KEPT = 1 << _OVERRIDE | 1 << _READ_SEARCH
_CAPGET = {"x86_64": 125, "aarch64": 90}
_CAPSET = {"x86_64": 126, "aarch64": 91}


def set_limits(memory: int | None) -> None:
    """Limit memory, file sizes and what the kernel keeps for it, and leave no core dump.

    Args:
        memory: Bytes of private memory; None for a process that uses a GPU, whose driver
            reserves far more than it uses.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, LARGEST_FILE)
    _lower(resource.RLIMIT_NOFILE, _MOST_FILES_OPEN)
    if sys.platform == "linux":
        _lower(resource.RLIMIT_SIGPENDING, _MOST_SIGNALS_WAITING)
    if memory is not None:
        _lower(resource.RLIMIT_DATA, memory)


@contextlib.contextmanager
def computing(seconds: int) -> Iterator[None]:
    """While open, this process may compute for so long; then the kernel ends it (SIGXCPU).

    For libraries in C that a damaged file can keep going round for ever.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    until = int(time.process_time()) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _lower(what: int, limit: int) -> None:
    _, hard = resource.getrlimit(what)
    allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with contextlib.suppress(ValueError, OSError):  # a system that knows no such limit
        resource.setrlimit(what, (allowed, allowed))


def drop_capabilities() -> None:
    """Give up the rights of root, but for reading and writing files whoever owns them.

    Those two are left because the user's data may belong to somebody else; which files can be
    reached at all is Landlock's to say.

    Raises:
        OSError: The kernel does not take it.
    """
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in _CAPSET:
        return
    header = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0), 8)
    has = ctypes.create_string_buffer(24)
    call(_CAPGET[machine], header, has)
    effective, permitted = struct.unpack_from("=2I", has.raw)
    kept = struct.pack("=6I", effective & _KEPT, permitted & _KEPT, 0, 0, 0, 0)
    call(_CAPSET[machine], header, ctypes.create_string_buffer(kept, 24))

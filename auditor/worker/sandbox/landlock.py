"""Which files this process may touch, kept by the kernel (Landlock).

The layout of the structures, and the rights by version: `Documentation/userspace-api/landlock.rst`.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from auditor.worker.sandbox.libc import call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1

_PROC = Path("/proc")
"""Its files are made anew whenever the kernel has forgotten them, as it does when memory is scarce,
and a rule is for the file that there was: as long as one is held open, it is not forgotten."""

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_SYM, _REFER, _TRUNCATE, _IOCTL_DEV = 1 << 12, 1 << 13, 1 << 14, 1 << 15

_READ = _READ_FILE | _READ_DIR
# No links, pipes, sockets or devices: whoever looks into the folder later must not follow them.
_WRITE = (
    _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
)
_CHANGE = _READ | _WRITE_FILE | _TRUNCATE  # what is there, and nothing new
_DEVICE = _READ_FILE | _WRITE_FILE | _IOCTL_DEV
_OF_A_FILE = _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_RIGHTS_SINCE_5 = (1 << 16) - 1
_BIND_AND_CONNECT_TCP = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3


def version() -> int:
    """Return the version of Landlock that the kernel has switched on; 0 for none."""
    try:
        return call(_CREATE_RULESET, 0, 0, _VERSION)
    except OSError:
        return 0


def restrict(
    read: Iterable[Path],
    write: Iterable[Path],
    devices: Iterable[Path],
    change: Iterable[Path] = (),
    *,
    download: bool = False,
) -> int:
    """Allow this process these files and folders and no other; `PR_SET_NO_NEW_PRIVS` must be set.

    Nothing may be executed. TCP, abstract sockets and signals to other processes are refused too
    where the kernel's version can (4 and 6).

    Args:
        read: Files, and folders with what is in them; those that do not exist are passed over.
        write: Folders in which files and folders may be made, changed and removed.
        devices: Device files to read, write and control.
        change: Folders whose files may be read and written, and none made or removed.
        download: Whether TCP is left to it, and links in `write`, which caches are made of.

    Returns:
        Landlock's version.

    Raises:
        OSError: The kernel does not take it.
    """
    has = version()
    handled = _RIGHTS.get(has, _RIGHTS_SINCE_5)
    tcp = _BIND_AND_CONNECT_TCP if has >= 4 and not download else 0
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if has >= 6 else 0
    writing = _WRITE | _MAKE_SYM if download else _WRITE
    allowed = ((read, _READ), (write, writing), (devices, _DEVICE), (change, _CHANGE))
    size = 24 if has >= 6 else 16 if has >= 4 else 8
    attributes = struct.pack("=QQQ", handled, tcp, scoped)[:size]
    ruleset = call(_CREATE_RULESET, _buffer(attributes), size, 0)
    try:
        for paths, rights in allowed:
            for path in paths:
                _allow(ruleset, path, rights & handled)
        call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return has


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not there, or a link to itself: whoever reads it says so better
        return
    try:
        if not path.is_dir():
            rights &= _OF_A_FILE
        call(_ADD_RULE, ruleset, _PATH_BENEATH, _buffer(struct.pack("=Qi", rights, beneath)), 0)
    finally:
        if not path.is_relative_to(_PROC):
            os.close(beneath)


def _buffer(content: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(content, len(content))

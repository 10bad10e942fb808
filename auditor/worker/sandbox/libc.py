"""The system calls that Python has no function for."""

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def call(number: int, *arguments: int | ctypes.Array[ctypes.c_char]) -> int:
    """Make a system call.

    Args:
        number: The machine's number for it.
        arguments: Integers, or buffers that are passed by address.

    Raises:
        OSError: It failed.
    """
    words = [
        ctypes.c_long(a) if isinstance(a, int) else ctypes.c_void_p(ctypes.addressof(a))
        for a in arguments
    ]
    _LIBC.syscall.restype = ctypes.c_long
    return _checked(_LIBC.syscall(ctypes.c_long(number), *words))


def end_with_parent(signal: int) -> None:
    """Have the kernel send this process a signal when its parent dies, however it dies."""
    _checked(_LIBC.prctl(_PR_SET_PDEATHSIG, signal))


def leave_no_dump() -> None:
    """Have the kernel show this process to no debugger, and to no program that takes crashes in.

    A limit of zero bytes keeps a dump from being a file, and not from such a program.
    """
    _checked(_LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0))


def no_new_privileges() -> None:
    """Never gain rights from here on, which Landlock and seccomp ask for."""
    _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result

"""A filter of system calls for this process and its threads (seccomp, as a classic BPF program)."""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence

from auditor.worker.sandbox.libc import call
from auditor.worker.sandbox.syscalls import ALLOWED, LOOKED_AT, MACHINES

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant: struct sock_filter."""

_LOAD, _AND = 0x20, 0x54
_EQUAL, _AT_LEAST = 0x15, 0x35
_RETURN = 0x06

_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_REFUSE: Instruction = (_RETURN, 0, 0, _ERROR | errno.EPERM)
_NO_SUCH: Instruction = (_RETURN, 0, 0, _ERROR | errno.ENOSYS)
_NOT_HERE: Instruction = (_RETURN, 0, 0, _ERROR | errno.EOPNOTSUPP)
_PASS: Instruction = (_RETURN, 0, 0, _ALLOW)

_NUMBER, _ARCHITECTURE = 0, 4
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000
_NEW = 424
"""From here on libraries try whether a system call is there, and do without."""

_WHOLE = 0xFFFFFFFF
_THREAD = (0x3D0F00, 0x7D0F00)
"""The flags of `clone` for a thread that shares all with the others: glibc's, and musl's."""

_FCNTL = (0, 1, 2, 3, 1030, 1032, 1034)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ, F_GET_SEALS."""

_F_SETFL, _O_ASYNC = 4, 0x2000
_IOCTL = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TCGETS2, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX."""

_IOCTL_OF_GPU = (0x0000, 0x4600, 0x4700)
"""Kinds of NVIDIA's commands: of `nvidia-uvm`, of its other files, and of `dxg`."""

_PRCTL = (3, 15, 16, 21, 23, 38, 39, 41, 42, 51, 64, 0x53564D41)
"""PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_CAPBSET_READ,
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_SET_THP_DISABLE, PR_GET_THP_DISABLE, PR_SVE_GET_VL,
PR_SME_GET_VL, PR_SET_VMA."""

_NEITHER_READ_NOR_WRITE = 3
_RENAME_NOREPLACE = 1
_MAP_TYPE, _MAP_SHARED, _MAP_SHARED_VALIDATE, _MAP_ANONYMOUS = 0x0F, 0x01, 0x03, 0x20
_SECCOMP_SET_MODE_FILTER, _TSYNC = 1, 1
_NUMBER_OF_SECCOMP = {"x86_64": 317, "aarch64": 277}


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def available() -> bool:
    """Whether the kernel takes filters, and this machine's system calls are known here."""
    if platform.machine() not in MACHINES:
        return False
    try:  # a null program: the kernel that has filters finds it at a bad address
        call(_NUMBER_OF_SECCOMP[platform.machine()], _SECCOMP_SET_MODE_FILTER, 0, 0)
    except OSError as error:
        return error.errno == errno.EFAULT
    return True


def install(*, gpu: bool = False) -> None:
    """Leave this process what `program` allows, for good; `PR_SET_NO_NEW_PRIVS` must be set.

    Args:
        gpu: Whether it may use an NVIDIA GPU.

    Raises:
        OSError: The kernel does not take it.
    """
    instructions = program(platform.machine(), os.getpid(), gpu=gpu)
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    )
    filter_ = _Program(len(instructions), ctypes.addressof(code))
    number = _NUMBER_OF_SECCOMP[platform.machine()]
    call(number, _SECCOMP_SET_MODE_FILTER, _TSYNC, ctypes.addressof(filter_))


def program(machine: str, own: int, *, gpu: bool = False) -> list[Instruction]:
    """Return the filter.

    Args:
        machine: One of `syscalls.MACHINES`.
        own: This process' number: the only one that it may signal.
        gpu: Whether it may use an NVIDIA GPU, whose driver needs more.
    """
    column = MACHINES.index(machine)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),  # a 32-bit call: other numbers, other arguments
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        _REFUSE,
    ]
    for numbers in ALLOWED.values():
        code += _when(numbers[column], [_PASS])
    for name, body in _looked_at(own, gpu=gpu).items():
        code += _when(LOOKED_AT[name][column], body)
    return [*code, (_AT_LEAST, 0, 1, _NEW), _NO_SUCH, _REFUSE]


def _looked_at(own: int, *, gpu: bool) -> dict[str, list[Instruction]]:
    """What is done about the system calls whose arguments decide; each ends in a return."""
    own_only = [*_if(0, (own,), _PASS), _REFUSE]
    own_or_0 = [*_if(0, (0, own), _PASS), _REFUSE]
    asynchronous = [*_if(2, (_O_ASYNC,), _REFUSE, mask=_O_ASYNC), _PASS]
    of_gpu = _if(1, _IOCTL_OF_GPU, _PASS, mask=0xFF00) if gpu else []
    # Memory that belongs to no process could be kept without being mapped, where nobody counts it.
    shared = [_MAP_ANONYMOUS | kind for kind in (_MAP_SHARED, _MAP_SHARED_VALIDATE)]
    hidden = [] if gpu else _if(3, shared, _REFUSE, mask=_MAP_ANONYMOUS | _MAP_TYPE)
    return {
        "clone": [*_if(0, _THREAD, _PASS), _REFUSE],  # threads, never processes
        "clone3": [_NO_SUCH],  # its flags cannot be read; libraries fall back to clone
        "fallocate": [_NOT_HERE],  # fills a disk faster than anybody can watch
        "fcntl": [*_if(1, (_F_SETFL,), *asynchronous), *_if(1, _FCNTL, _PASS), _REFUSE],
        "flock": [_NO_SUCH],  # also of files that may only be read; HDF5 does without
        "ioctl": [*_if(1, _IOCTL, _PASS), *of_gpu, _REFUSE],
        "kill": own_only,
        "memfd_create": [_PASS if gpu else _NO_SUCH],
        "mmap": [*hidden, _PASS],
        "open": _open(1),
        "openat": _open(2),
        "openat2": [_NO_SUCH],  # its flags cannot be read; nobody relies on it
        "prctl": [*_if(0, _PRCTL, _PASS), _REFUSE],
        "prlimit64": own_or_0,
        "renameat2": [*_if(4, (0, _RENAME_NOREPLACE), _PASS), _REFUSE],  # no device in its place
        "sched_setaffinity": own_or_0,
        "tgkill": own_only,
    }


def _open(flags: int) -> list[Instruction]:
    """Refuse what Landlock lets through, by the argument that the flags are in.

    Kernels before 6.2 let a file be emptied that may only be read. One that may be neither read nor
    written can be opened for its control, whoever's it is, and emptied as well.
    """
    return [
        *_if(flags, (_NEITHER_READ_NOR_WRITE,), _REFUSE, mask=os.O_ACCMODE),
        *_if(flags, (os.O_TRUNC,), _REFUSE, mask=os.O_TRUNC | os.O_ACCMODE),
        _PASS,
    ]


def _when(number: int | None, body: list[Instruction]) -> list[Instruction]:
    return [] if number is None else [(_EQUAL, 0, len(body), number), *body]


def _if(
    argument: int, values: Sequence[int], *then: Instruction, mask: int = _WHOLE
) -> list[Instruction]:
    """Where the low half of an argument, masked, is one of the values, do what follows.

    The kernel, too, looks at no more than that half of all arguments that are looked at here.
    """
    compare = [(_EQUAL, len(values) - 1 - i, 0, value) for i, value in enumerate(values)]
    compare[-1] = (_EQUAL, 0, len(then), values[-1])
    low = 16 + 8 * argument  # in `struct seccomp_data`, little endian
    return [(_LOAD, 0, 0, low), (_AND, 0, 0, mask), *compare, *then]

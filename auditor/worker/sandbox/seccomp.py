"""A filter of system calls for this process and its threads (seccomp, as a classic BPF program)."""

import ctypes
import errno
import os
import platform
import socket
import struct

from auditor.worker.sandbox.libc import call
from auditor.worker.sandbox.syscalls import LAST, LOOKED_AT, MACHINES, REFUSED

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant: struct sock_filter."""

_LOAD, _AND = 0x20, 0x54
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45
_RETURN = 0x06

_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_REFUSE: Instruction = (_RETURN, 0, 0, _ERROR | errno.EPERM)
_NO_SUCH: Instruction = (_RETURN, 0, 0, _ERROR | errno.ENOSYS)
_PASS: Instruction = (_RETURN, 0, 0, _ALLOW)

_NUMBER, _ARCHITECTURE = 0, 4
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000

_CLONE_THREAD = 0x00010000
_PR_SET_PDEATHSIG = 1
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
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


def install() -> None:
    """Refuse this process what `program` refuses, for good; `PR_SET_NO_NEW_PRIVS` must be set.

    Raises:
        OSError: The kernel does not take it.
    """
    instructions = program(platform.machine(), os.getpid())
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    )
    filter_ = _Program(len(instructions), ctypes.addressof(code))
    number = _NUMBER_OF_SECCOMP[platform.machine()]
    call(number, _SECCOMP_SET_MODE_FILTER, _TSYNC, ctypes.addressof(filter_))


def program(machine: str, own: int) -> list[Instruction]:
    """Return the filter.

    Args:
        machine: One of `syscalls.MACHINES`.
        own: This process' number: the only one that it may signal.
    """
    column = MACHINES.index(machine)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),  # a 32-bit call: other numbers, other arguments
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        _REFUSE,
        (_AT_LEAST, 0, 1, LAST + 1),
        _NO_SUCH,
    ]
    for numbers in REFUSED.values():
        code += _when(numbers[column], [_REFUSE])
    for name, body in _looked_at(own).items():
        code += _when(LOOKED_AT[name][column], body)
    return [*code, _PASS]


def _looked_at(own: int) -> dict[str, list[Instruction]]:
    """What is done about the system calls whose arguments decide; each ends in a return."""
    truncating = os.O_TRUNC | os.O_ACCMODE
    return {
        "clone": _if_any_bit(0, _CLONE_THREAD, _PASS, _REFUSE),  # threads, never processes
        "clone3": [_NO_SUCH],  # its flags cannot be read; libraries fall back to clone
        "openat2": [_NO_SUCH],  # nor can these
        # Kernels before 6.2 let a file be emptied that may only be read.
        "open": _if_equal(1, truncating, [os.O_TRUNC], _REFUSE, _PASS),
        "openat": _if_equal(2, truncating, [os.O_TRUNC], _REFUSE, _PASS),
        "ioctl": _if_equal(1, 0xFFFFFFFF, [_TIOCSTI, _TIOCLINUX], _REFUSE, _PASS),
        "prctl": _if_equal(0, 0xFFFFFFFF, [_PR_SET_PDEATHSIG], _REFUSE, _PASS),
        "prlimit64": _if_equal(0, 0xFFFFFFFF, [0, own], _PASS, _REFUSE),
        "socketpair": _if_equal(0, 0xFFFFFFFF, [socket.AF_UNIX], _PASS, _REFUSE),
        **{
            name: _if_equal(0, 0xFFFFFFFF, [own], _PASS, _REFUSE)
            for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
        },
    }


def _when(number: int | None, body: list[Instruction]) -> list[Instruction]:
    return [] if number is None else [(_EQUAL, 0, len(body), number), *body]


def _if_any_bit(
    argument: int, bits: int, then: Instruction, otherwise: Instruction
) -> list[Instruction]:
    return [(_LOAD, 0, 0, _low(argument)), (_ANY_BIT, 1, 0, bits), otherwise, then]


def _if_equal(
    argument: int, mask: int, values: list[int], then: Instruction, otherwise: Instruction
) -> list[Instruction]:
    """Compare the low 32 bits of an argument, masked, with each value."""
    count = len(values)
    compare = [(_EQUAL, count - i, 0, value) for i, value in enumerate(values)]
    return [(_LOAD, 0, 0, _low(argument)), (_AND, 0, 0, mask), *compare, otherwise, then]


def _low(argument: int) -> int:
    """Offset of the low half of an argument in `struct seccomp_data`, little endian."""
    return 16 + 8 * argument

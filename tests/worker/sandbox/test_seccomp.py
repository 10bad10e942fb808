"""The filter of system calls, for both machines, run by an interpreter of its own."""

import errno
import re
import subprocess
from pathlib import Path

import pytest

from auditor.worker.sandbox.seccomp import program
from auditor.worker.sandbox.syscalls import LAST, LOOKED_AT, MACHINES, REFUSED

OWN = 4711
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, NO_SUCH = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS

HARMLESS = {  # read, write, close, mmap, brk, futex, exit_group, getrandom, rename, mkdirat
    "x86_64": (0, 1, 3, 9, 12, 202, 231, 318, 82, 258),
    "aarch64": (63, 64, 57, 222, 214, 98, 94, 278, 276, 34),
}


def decide(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Run the filter as the kernel does (`Documentation/networking/filter.rst`)."""
    data = {0: number, 4: AUDIT[machine] if architecture is None else architecture}
    for i, argument in enumerate(arguments):
        data[16 + 8 * i], data[20 + 8 * i] = argument & 0xFFFFFFFF, argument >> 32
    instructions, at, accumulator = program(machine, OWN), 0, 0
    while True:
        code, true, false, constant = instructions[at]
        at += 1
        match code:
            case 0x20:
                accumulator = data.get(constant, 0)
            case 0x54:
                accumulator &= constant
            case 0x15:
                at += true if accumulator == constant else false
            case 0x35:
                at += true if accumulator >= constant else false
            case 0x45:
                at += true if accumulator & constant else false
            case 0x06:
                return constant
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_refused_and_what_is_not(machine: str) -> None:
    column = MACHINES.index(machine)
    for name, numbers in REFUSED.items():
        if (number := numbers[column]) is not None:
            assert decide(machine, number) == REFUSE, name
    refused = {numbers[column] for numbers in REFUSED.values()}
    looked_at = {numbers[column] for numbers in LOOKED_AT.values()}
    for number in range(LAST + 1):
        if number not in refused | looked_at:
            assert decide(machine, number) == ALLOW, number
    assert not refused & looked_at & set(HARMLESS[machine])
    assert all(decide(machine, number) == ALLOW for number in HARMLESS[machine])
    assert {decide(machine, number) for number in (LAST + 1, 9999)} == {NO_SUCH}


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_another_machine_end_the_process(machine: str) -> None:
    assert decide(machine, 0, architecture=0x40000003) == KILL  # i386
    assert decide(machine, 0x40000000 + 1) == REFUSE  # x32


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "decision"),
    [
        ("clone", (0x3D0F00,), ALLOW),  # what glibc asks for a thread
        ("clone", (17,), REFUSE),  # fork
        ("clone", (0x10000000 | 17,), REFUSE),  # a user namespace
        ("clone", (0x4100 | 17,), REFUSE),  # vfork
        ("clone3", (0, 88), NO_SUCH),
        ("openat", (0, 0, 0o1000), REFUSE),  # empties what may only be read
        ("openat", (0, 0, 0o1000 | 1), ALLOW),
        ("openat", (0, 0, 0o100 | 0o1000 | 2), ALLOW),
        ("openat", (0, 0, 0), ALLOW),
        ("openat2", (0, 0, 0, 24), NO_SUCH),
        ("kill", (OWN, 6), ALLOW),
        ("kill", (OWN + 1, 9), REFUSE),
        ("kill", (0, 9), REFUSE),
        ("kill", (0xFFFFFFFFFFFFFFFF, 9), REFUSE),
        ("tgkill", (OWN, OWN, 6), ALLOW),
        ("tgkill", (1, 1, 9), REFUSE),
        ("prlimit64", (0, 7), ALLOW),
        ("prlimit64", (OWN, 7), ALLOW),
        ("prlimit64", (1, 7), REFUSE),
        ("socketpair", (1, 1), ALLOW),
        ("socketpair", (2, 1), REFUSE),
        ("ioctl", (0, 0x5412), REFUSE),
        ("ioctl", (0, 0x541C), REFUSE),
        ("ioctl", (0, 0x1_0000_5412), REFUSE),  # the kernel looks at the low half only
        ("ioctl", (0, 0x5413), ALLOW),
        ("prctl", (1, 0), REFUSE),
        ("prctl", (15, 0), ALLOW),
    ],
)
def test_arguments_that_decide(machine: str, name: str, arguments: tuple, decision: int) -> None:
    number = LOOKED_AT[name][MACHINES.index(machine)]
    assert number is not None
    assert decide(machine, number, *arguments) == decision


def test_jumps_reach(machine: str = "x86_64") -> None:
    """A jump of classic BPF reaches 255 instructions; one byte holds it."""
    assert all(max(true, false) < 256 for _, true, false, _ in program(machine, OWN))
    assert len(program(machine, OWN)) < 4096


HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", ""),
    "aarch64": (
        "/usr/include/asm-generic/unistd.h",
        "#define __BITS_PER_LONG 64\n#define __ARCH_WANT_RENAMEAT\n#define __ARCH_WANT_NEW_STAT\n"
        "#define __ARCH_WANT_SET_GET_RLIMIT\n#define __ARCH_WANT_SYS_CLONE3\n",
    ),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_the_kernels(machine: str) -> None:
    header, defines = HEADERS[machine]
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    text = subprocess.run(
        ["cpp", "-dM", "-"], input=f'{defines}#include "{header}"\n',
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    named = dict(re.findall(r"#define (__NR\w+) (\w+)", text))
    checked = 0
    for name, numbers in {**REFUSED, **LOOKED_AT}.items():
        value = named.get(f"__NR_{name}")
        value = named.get(str(value), value)  # __NR3264_… stands for another name
        number = numbers[MACHINES.index(machine)]
        if value is None:  # none on this machine, or newer than the headers
            assert number is None or number > 430, name
        else:
            assert number == int(value), name
            checked += 1
    assert checked > 80

"""The filter of system calls, for both machines, run by an interpreter of its own."""

import errno
import re
import subprocess
from pathlib import Path

import pytest

from auditor.worker.sandbox.seccomp import program
from auditor.worker.sandbox.syscalls import ALLOWED, LOOKED_AT, MACHINES

OWN = 4711
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, NO_SUCH = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
NOT_HERE = 0x00050000 | errno.EOPNOTSUPP

HARMLESS = {  # read, write, close, mmap, brk, futex, exit_group, getrandom, renameat, mkdirat
    "x86_64": (0, 1, 3, 9, 12, 202, 231, 318, 264, 258),
    "aarch64": (63, 64, 57, 222, 214, 98, 94, 278, 38, 34),
}


HARMFUL = """
    accept accept4 acct add_key adjtimex bind bpf capset chmod chown chroot clock_adjtime
    clock_settime connect delete_module execve execveat fanotify_init fchmod fchmodat fchown
    fchownat finit_module fork fremovexattr fsconfig fsetxattr fsmount fsopen fspick futimesat
    get_robust_list getsockopt getxattr init_module inotify_add_watch inotify_init inotify_init1
    io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit io_uring_enter
    io_uring_register io_uring_setup ioperm iopl ioprio_set kcmp kexec_file_load kexec_load keyctl
    landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown link linkat listen
    listxattr lookup_dcookie lremovexattr lsetxattr memfd_secret migrate_pages mknod mknodat
    modify_ldt mount mount_setattr move_mount move_pages mq_open mq_unlink msgctl msgget msgrcv
    msgsnd name_to_handle_at open_by_handle_at open_tree perf_event_open personality pidfd_getfd
    pidfd_open pidfd_send_signal pivot_root process_madvise process_mrelease process_vm_readv
    process_vm_writev ptrace quotactl quotactl_fd reboot recvfrom recvmmsg recvmsg remap_file_pages
    removexattr request_key rt_sigqueueinfo rt_tgsigqueueinfo sched_setattr sched_setparam
    sched_setscheduler seccomp semctl semget semop sendmmsg sendmsg sendto setdomainname setfsgid
    setfsuid setgid setgroups sethostname setns setpgid setpriority setregid setresgid setresuid
    setreuid setsid setsockopt settimeofday setuid setxattr shmat shmctl shmget socket socketpair
    splice swapoff swapon symlink symlinkat sync syncfs sysfs syslog tee timer_create tkill
    truncate umount2 unshare uselib userfaultfd utime utimensat utimes vfork vhangup vmsplice
""".split()
"""What reaches others, the whole machine, or what Landlock does not guard."""


def decide(
    machine: str,
    number: int,
    *arguments: int,
    architecture: int | None = None,
    gpu: bool = False,
) -> int:
    """Run the filter as the kernel does (`Documentation/networking/filter.rst`)."""
    data = {0: number, 4: AUDIT[machine] if architecture is None else architecture}
    for i, argument in enumerate(arguments):
        data[16 + 8 * i], data[20 + 8 * i] = argument & 0xFFFFFFFF, argument >> 32
    instructions, at, accumulator = program(machine, OWN, gpu=gpu), 0, 0
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
            case 0x06:
                return constant
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_harmful_is_refused_whatever_its_arguments(machine: str, gpu: bool) -> None:
    named = kernels(machine)
    there = [name for name in HARMFUL if name in named]
    assert len(there) > 150 - 40 * (machine == "aarch64"), "few names of calls are known"
    for name in there:
        for arguments in ((0, 0, 0, 0, 0, 0), (OWN,) * 6, (1, 0x7FFF_0000_1000, 8, 1, 0, 0)):
            assert decide(machine, named[name], *arguments, gpu=gpu) in (REFUSE, NO_SUCH), name


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_not_known_is_refused(machine: str) -> None:
    """Old calls are not permitted; of new ones libraries take it that the kernel is older."""
    column = MACHINES.index(machine)
    known = {numbers[column] for numbers in (ALLOWED | LOOKED_AT).values()}
    others = [number for number in range(600) if number not in known]
    assert {decide(machine, number) for number in others if number < 424} == {REFUSE}
    assert {decide(machine, number) for number in others if number >= 424} == {NO_SUCH}
    assert all(decide(machine, number) == ALLOW for number in HARMLESS[machine])


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_another_machine_end_the_process(machine: str) -> None:
    assert decide(machine, 0, architecture=0x40000003) == KILL  # i386
    assert decide(machine, 0x40000000 + 1) == REFUSE  # x32


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "decision"),
    [
        ("clone", (0x3D0F00,), ALLOW),  # what glibc asks for a thread
        ("clone", (0x7D0F00,), ALLOW),  # and musl
        ("clone", (17,), REFUSE),  # fork
        ("clone", (0x10000000 | 17,), REFUSE),  # a user namespace
        ("clone", (0x4100 | 17,), REFUSE),  # vfork
        ("clone", (0x3D0B00,), REFUSE),  # a thread with descriptors of its own
        ("clone", (0x3D0F00 | 0x40000000,), REFUSE),  # and with a network
        ("clone3", (0, 88), NO_SUCH),
        ("fallocate", (3, 0, 0, 1 << 30), NOT_HERE),
        ("fcntl", (0, 0), ALLOW),  # F_DUPFD
        ("fcntl", (0, 1030), ALLOW),
        ("fcntl", (0, 4, 0o4000), ALLOW),  # F_SETFL, O_NONBLOCK
        ("fcntl", (0, 4, 0o24000), REFUSE),  # and O_ASYNC
        ("fcntl", (0, 6), REFUSE),  # F_SETLK
        ("fcntl", (0, 8, OWN + 1), REFUSE),  # F_SETOWN
        ("fcntl", (0, 10, 9), REFUSE),  # F_SETSIG
        ("fcntl", (0, 15), REFUSE),  # F_SETOWN_EX
        ("fcntl", (0, 37), REFUSE),  # F_OFD_SETLK
        ("fcntl", (0, 1024), REFUSE),  # F_SETLEASE
        ("fcntl", (0, 0x1_0000_0000 | 1026), REFUSE),  # F_NOTIFY
        ("fcntl", (0, 1031), REFUSE),  # F_SETPIPE_SZ
        ("flock", (0, 6), NO_SUCH),
        ("open", (0, 0o1000, 0), REFUSE),
        ("open", (0, 3, 0), REFUSE),
        ("open", (0, 0o1000 | 3, 0), REFUSE),
        ("open", (0, 0o1000 | 2, 0), ALLOW),
        ("openat", (0, 0, 0o1000), REFUSE),  # empties what may only be read
        ("openat", (0, 0, 0o1000 | 1), ALLOW),
        ("openat", (0, 0, 0o100 | 0o1000 | 2), ALLOW),
        ("openat", (0, 0, 0), ALLOW),
        ("openat", (0, 0, 3), REFUSE),  # neither to read nor to write
        ("openat", (0, 0, 0o1000 | 3), REFUSE),
        ("openat2", (0, 0, 0, 24), NO_SUCH),
        ("kill", (OWN, 6), ALLOW),
        ("kill", (OWN + 1, 9), REFUSE),
        ("kill", (0, 9), REFUSE),
        ("kill", (0xFFFFFFFFFFFFFFFF, 9), REFUSE),
        ("memfd_create", (0, 0), NO_SUCH),
        ("mmap", (0, 4096, 3, 0x22), ALLOW),  # private, anonymous
        ("mmap", (0, 4096, 3, 0x4022), ALLOW),  # and not reserved
        ("mmap", (0, 4096, 1, 0x01, 5), ALLOW),  # a file
        ("mmap", (0, 4096, 3, 0x21), REFUSE),  # shared, anonymous
        ("mmap", (0, 4096, 3, 0x23), REFUSE),
        ("mmap", (0, 4096, 3, 0x40021), REFUSE),  # in huge pages
        ("tgkill", (OWN, OWN, 6), ALLOW),
        ("tgkill", (1, 1, 9), REFUSE),
        ("prlimit64", (0, 7), ALLOW),
        ("prlimit64", (OWN, 7), ALLOW),
        ("prlimit64", (1, 7), REFUSE),
        ("renameat2", (0, 0, 0, 0, 0), ALLOW),
        ("renameat2", (0, 0, 0, 0, 1), ALLOW),
        ("renameat2", (0, 0, 0, 0, 4), REFUSE),  # leaves a device behind
        ("sched_setaffinity", (0, 8), ALLOW),
        ("sched_setaffinity", (OWN, 8), ALLOW),
        ("sched_setaffinity", (1, 8), REFUSE),
        ("ioctl", (0, 0x5412), REFUSE),  # TIOCSTI
        ("ioctl", (0, 0x541C), REFUSE),  # TIOCLINUX
        ("ioctl", (0, 0x1_0000_5412), REFUSE),  # the kernel looks at the low half only
        ("ioctl", (0, 0x5413), ALLOW),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x8901), REFUSE),  # FIOSETOWN
        ("ioctl", (0, 0x8902), REFUSE),  # SIOCSPGRP
        ("ioctl", (0, 0x40086602), REFUSE),  # FS_IOC_SETFLAGS
        ("ioctl", (0, 0x40087602), REFUSE),  # FS_IOC_SETVERSION
        ("ioctl", (0, 0x401C5820), REFUSE),  # FS_IOC_FSSETXATTR
        ("ioctl", (0, 0x40049409), REFUSE),  # FICLONE
        ("ioctl", (0, 0xC0184636), REFUSE),  # of a GPU
        ("prctl", (1, 0), REFUSE),
        ("prctl", (62, 1), REFUSE),  # PR_SCHED_CORE
        ("prctl", (0x59616D61, OWN + 1), REFUSE),  # PR_SET_PTRACER
        ("prctl", (22, 2), REFUSE),  # PR_SET_SECCOMP
        ("prctl", (15, 0), ALLOW),
    ],
)
def test_arguments_that_decide(machine: str, name: str, arguments: tuple, decision: int) -> None:
    number = LOOKED_AT[name][MACHINES.index(machine)]
    if number is None:
        pytest.skip("none on this machine")
    assert decide(machine, number, *arguments) == decision


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "decision"),
    [
        ("ioctl", (0, 0xC020462A), ALLOW),  # the driver's, of /dev/nvidiactl
        ("ioctl", (0, 0x30000001), ALLOW),  # of /dev/nvidia-uvm
        ("ioctl", (0, 25), ALLOW),
        ("ioctl", (0, 0x5412), REFUSE),
        ("ioctl", (0, 0x40086602), REFUSE),
        ("ioctl", (0, 0x40049409), REFUSE),
        ("memfd_create", (0, 0), ALLOW),
        ("mmap", (0, 4096, 3, 0x21), ALLOW),
        ("fcntl", (0, 8, OWN + 1), REFUSE),
        ("openat", (0, 0, 3), REFUSE),
    ],
)
def test_what_a_gpu_widens(machine: str, name: str, arguments: tuple, decision: int) -> None:
    number = LOOKED_AT[name][MACHINES.index(machine)]
    assert number is not None
    assert decide(machine, number, *arguments, gpu=True) == decision


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


def kernels(machine: str) -> dict[str, int]:
    """Return the system calls' numbers by name, as the kernel's headers have them."""
    header, defines = HEADERS[machine]
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    text = subprocess.run(
        ["cpp", "-dM", "-"], input=f'{defines}#include "{header}"\n',
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    named = dict(re.findall(r"#define (__NR\w+) (\w+)", text))
    found = {
        name.removeprefix("__NR_"): named.get(value, value)  # __NR3264_… stands for another name
        for name, value in named.items()
        if name.startswith("__NR_")
    }
    return {name: int(value) for name, value in found.items() if value.isdecimal()}


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_the_kernels(machine: str) -> None:
    named, checked = kernels(machine), 0
    for name, numbers in {**ALLOWED, **LOOKED_AT}.items():
        number = numbers[MACHINES.index(machine)]
        if name not in named:  # none on this machine, or newer than the headers
            assert number is None or number > 430, name
        else:
            assert number == named[name], name
            checked += 1
    assert checked > 120

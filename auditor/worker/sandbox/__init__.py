"""Confinement of the process that touches a suspected model, kept by the kernel.

A worker confines itself before it imports anything that starts threads or opens the model; there is
no way back. Landlock guards files, seccomp system calls; limits guard memory. Linux on x86-64 and
aarch64; elsewhere the limits alone. Standard library only.
"""

import sys
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

from auditor.worker.sandbox import gpu as nvidia
from auditor.worker.sandbox import landlock, libc, limits, paths, seccomp

MODES = ("auto", "required", "off")
"""As much as the kernel offers, all of it or no work, and none."""

WALLS = ("limits", "capabilities", "Landlock", "seccomp")
"""What a worker is confined by, in the order in which it is put up."""


@dataclass(frozen=True)
class Confinement:
    """What the kernel keeps a process to.

    Attributes:
        landlock: Version of Landlock, which guards files; 0 for none.
        seccomp: Whether system calls are filtered.
        off: Whether the user switched it off.
    """

    landlock: int
    seccomp: bool
    off: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing is lacking."""
        return self.landlock > 0 and self.seccomp

    @property
    def lacking(self) -> str:
        """What is not guarded, and why, in words; empty when nothing is lacking."""
        if self.off:
            return "--sandbox off"
        if not (self.landlock or self.seccomp):
            return "neither Landlock nor seccomp: files, network and processes are not guarded"
        if not self.landlock:
            return "no Landlock: files are not guarded"
        return "" if self.seccomp else "no seccomp: network and processes are not guarded"

    def __str__(self) -> str:
        """Say it for a certificate, to go on "The model was loaded in"."""
        name = f"Landlock (version {self.landlock})"
        walls = [name] * (self.landlock > 0) + ["seccomp"] * self.seccomp
        own = "a process of its own with an empty environment"
        if not walls:
            return f"{own}, not confined by the kernel ({self.lacking})"
        lacking = "" if self.whole else f" ({self.lacking})"
        return f"{own}, confined by {' and '.join(walls)}{lacking}"


NONE = Confinement(0, False)


def offered() -> Confinement:
    """Return what this machine's kernel offers."""
    if sys.platform != "linux":
        return NONE
    return Confinement(landlock.version(), seccomp.available())


def keep_download(write: Iterable[Path], memory: int) -> None:
    """Let this process write in these folders alone, start no program, and use so much memory.

    It keeps the network, and may read what its user may.

    Args:
        write: The folders.
        memory: Bytes of private memory.

    Raises:
        OSError: The kernel offers it and does not do it.
    """
    limits.set_limits(memory)
    if offered().landlock:
        libc.no_new_privileges()
        landlock.restrict([Path("/")], write, [Path("/dev/null")], download=True)


def confine(
    read: Iterable[Path],
    write: Iterable[Path],
    memory: int | None,
    *,
    gpu: bool,
    walls: Container[str] = WALLS,
    everything_in: Iterable[Path] = (),
) -> Confinement:
    """Confine this process, for good, as far as the kernel offers it.

    Args:
        read: Files and folders that it may read, besides the interpreter and its packages.
        write: Folders that it may write in.
        memory: Bytes of private memory that it may use; None for no limit.
        gpu: Whether it may use an NVIDIA GPU: its device files, what its driver reads, and the
            names of its threads.
        walls: Those of `WALLS` to put up; fewer only to find out which one is in the way.
        everything_in: Files and folders to read and change besides, for the same purpose.

    Returns:
        What it is kept to from here on.

    Raises:
        OSError: The kernel offers a wall and does not put it up.
        RuntimeError: A second thread runs already, which would stay outside.
    """
    if "limits" in walls:
        limits.set_limits(memory)
    has = offered()
    if has == NONE:
        return has
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("a second thread runs already, which would not be confined")
    devices = nvidia.devices() if gpu else []
    facts, threads = (nvidia.readable(), nvidia.writable()) if gpu else ([], [])
    libc.no_new_privileges()
    if not gpu:  # its driver writes to files of this process, which root alone may from then on
        libc.leave_no_dump()
    if "capabilities" in walls:
        limits.drop_capabilities()
    if has.landlock and "Landlock" in walls:
        readable = [*paths.system(), *facts, *read]
        devices = [*devices, Path("/dev/null")]
        opened = list(everything_in)
        landlock.restrict(readable, [*write, *opened], [*devices, *opened], threads)
    if has.seccomp and "seccomp" in walls:
        seccomp.install(gpu=gpu)
    return Confinement(
        has.landlock if "Landlock" in walls else 0, has.seccomp and "seccomp" in walls
    )

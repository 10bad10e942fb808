"""Try, from inside, what a confined process must not be able to do."""

import os
import socket
from collections.abc import Callable
from pathlib import Path


def _read(secret: Path) -> None:
    secret.read_bytes()


def _write(secret: Path) -> None:
    secret.with_name("written").touch()


def _connect(_: Path) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def _start(_: Path) -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def _signal(_: Path) -> None:
    os.kill(os.getppid(), 0)


ATTEMPTS: dict[str, Callable[[Path], None]] = {
    "reading a file": _read,
    "writing a file": _write,
    "the network": _connect,
    "starting a program": _start,
    "signalling a process": _signal,
}
"""What is tried, in words."""


def attempt(secret: Path) -> dict[str, str]:
    """Try all of it.

    Args:
        secret: A file that this process was not given.

    Returns:
        What was tried, each with "refused" or "done".
    """
    return {what: "refused" if _fails(act, secret) else "done" for what, act in ATTEMPTS.items()}


def _fails(act: Callable[[Path], None], secret: Path) -> bool:
    try:
        act(secret)
    except OSError:
        return True
    return False

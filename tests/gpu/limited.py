"""A program with a time limit, killed with all that it has started when that is over."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """A program that has ended.

    Attributes:
        code: Its exit status; None where it was killed because its time was over.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
        seconds: How long it took.
    """

    code: int | None
    out: str
    err: str
    seconds: float


def run(
    words: Sequence[str], seconds: float, environment: Mapping[str, str], folder: Path | None = None
) -> Ran:
    """Run a program for at most so many seconds."""
    began = time.perf_counter()
    with subprocess.Popen(
        words,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        code = None
        try:
            out, err = process.communicate(timeout=seconds)
            code = process.returncode
        except subprocess.TimeoutExpired:
            _kill(process.pid)
            out, err = process.communicate()
        except BaseException:
            _kill(process.pid)
            raise
    return Ran(code, out, err, time.perf_counter() - began)


def _kill(root: int) -> None:
    """Kill a process and its descendants: a worker has a session of its own."""
    parents = _parents()
    doomed = {root}
    while more := {child for child, parent in parents.items() if parent in doomed} - doomed:
        doomed |= more
    for number in doomed:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def _parents() -> dict[int, int]:
    """Return the parent of every process."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            after_name = stat.read_text(errors="replace").rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(after_name[1])
    return parents

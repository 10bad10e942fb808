"""Workers that do as they are told by a test, confined or not."""

import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from auditor.worker import process, sandbox
from auditor.worker.supervisor import Guard, Listen, Supervisor
from tests.conftest import ROOT

COMMAND = (sys.executable, "-I", str(ROOT / "tests" / "worker" / "hostile_worker.py"))

needs_the_kernel = pytest.mark.skipif(
    not sandbox.offered().whole, reason="this kernel has no Landlock or no seccomp"
)


@dataclass
class Attacked:
    """What a taken-over worker left.

    Attributes:
        result: What it wrote.
        room: Where it wrote.
        log: The end of what it wrote to its standard error.
    """

    result: dict[str, Any]
    room: Path
    log: str


Attack = Callable[..., Attacked]


@pytest.fixture
def attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attack:
    """Run code in a worker: `attack("result = ...", Guard(...), secret=path)`.

    What it leaves in `result` comes back; keywords are in `job`, but `listen`, which is told what
    the worker says. Errors are those of a real run.
    """
    monkeypatch.setattr(process, "COMMAND", COMMAND)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))

    def run(
        code: str, guard: Guard | None = None, *, listen: Listen | None = None, **job: Any
    ) -> Attacked:
        script = tmp_path / "attack.py"
        script.write_text(_PREAMBLE + textwrap.dedent(code) + _END)
        with Supervisor(guard or Guard()) as workers:
            room = workers.scratch()
            told = {"kind": "attack", "model": str(script), "device": "cpu", **job}
            left = workers.run(told, room, lambda *_: None, listen)
            return Attacked(left, room, workers.log_tail())

    return run


_PREAMBLE = '''
import ctypes, json, os, signal, socket, subprocess, sys, threading, time
from pathlib import Path

result = {}

def tried(name, act, *arguments):
    """Note whether an act is refused by the kernel."""
    try:
        act(*arguments)
    except OSError as error:
        result[name] = "refused"
    else:
        result[name] = "done"

'''
_END = """
from auditor.worker.exchange import write_result
write_result(result, folder)
"""

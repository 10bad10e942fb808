"""Which wall is in the way: told of processes that really stand behind the walls."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from auditor.worker.sandbox import WALLS, diagnosis
from tests.worker.sandbox.conftest import needs_the_kernel

BEHIND = """
import json, os, socket, sys, threading
from pathlib import Path
from auditor.worker.sandbox import confine
code, walls, places = json.loads(sys.argv[1])
confine([], [], 1 << 30, gpu=False, walls=walls, everything_in=map(Path, places))
exec(code)
"""


def works(code: str) -> diagnosis.Works:
    """Return whether code runs without an error behind walls."""

    def tried(walls: Sequence[str], everything_in: Sequence[Path]) -> bool:
        given = json.dumps([code, list(walls), [str(path) for path in everything_in]])
        ran = subprocess.run([sys.executable, "-I", "-c", BEHIND, given], check=False,
                             capture_output=True)  # fmt: skip
        return ran.returncode == 0

    return tried


CULPRITS = {
    "socket.socket()": ("seccomp",),
    "bytearray(2 << 30)": ("limits",),
    "os.setgid(12345)": ("capabilities", "seccomp"),
    "Path('/etc/hostname').read_text()": ("Landlock",),
    "Path('/etc/hostname').read_text(); socket.socket()": ("Landlock", "seccomp"),
    "pass": (),
}


@needs_the_kernel
@pytest.mark.parametrize("code", CULPRITS)
def test_the_wall_is_named(code: str) -> None:
    if "setgid" in code and os_is_not_root():
        pytest.skip("only root has rights to lose")
    assert works(code)((), ())
    assert diagnosis.in_the_way(works(code)) == CULPRITS[code]
    assert set(CULPRITS[code]) <= set(WALLS)


def os_is_not_root() -> bool:
    import os

    return os.geteuid() != 0


NAMING = "Path(f'/proc/self/task/{threading.get_native_id()}/comm').write_text('x')"


@needs_the_kernel
def test_the_places_are_named() -> None:
    """The very thing that NVIDIA's driver does, and files at other depths beside it."""
    assert diagnosis.refused(works(NAMING)) == (Path("/proc/self/task"),)
    code = f"{NAMING}; Path('/etc/hostname').read_text(); Path('/sys/kernel/mm').iterdir()"
    found = diagnosis.refused(works(f"{code}; os.listdir('/sys/kernel/mm')"))
    assert found == (Path("/etc/hostname"), Path("/proc/self/task"), Path("/sys/kernel/mm"))


@needs_the_kernel
def test_what_is_no_file_has_no_place() -> None:
    assert diagnosis.refused(works("os.execv('/bin/true', ['true'])")) == ()

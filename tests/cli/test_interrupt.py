"""Ctrl-C, a closed terminal, a killed worker, a reader that has gone: nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Shelf
from tests.conftest import Ran, assert_refusal, bdaudit

pytestmark = [pytest.mark.long, pytest.mark.real_start]

CLOSED = '"$0" -m auditor scan "$@" >&- 2>&-'


@contextmanager
def scanning(
    shelf: Shelf, folder: Path, until: str, *before: str
) -> Iterator[tuple[subprocess.Popen, int]]:
    """A scan that has said `until` on standard error, and its worker's process id."""
    (folder / "scratch").mkdir()
    args = ["poisoned.keras", "--trigger", "square8", "--data", shelf.data, "--batch-size", "1"]
    running = subprocess.Popen(
        [*before, sys.executable, "-m", "auditor", "scan", *args, "-o", folder / "a.json"],
        cwd=shelf.folder,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(folder / "scratch")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert running.stderr
        assert any(until in line.decode() for line in running.stderr)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        yield running, int(children[0])
    finally:
        running.kill()
        running.wait()


def finished(running: subprocess.Popen) -> Ran:
    out, err = running.communicate(timeout=20)
    return Ran(running.returncode, out.decode(), err.decode())


def alive(process: int) -> bool:
    """Whether it runs; one that has ended and waits to be asked about its end does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("sent", "until"),
    [
        ("SIGINT", "checking the input range"),  # then it measures, image by image
        ("SIGINT", "checking the model file"),
        ("SIGTERM", "loading the model"),
        ("SIGHUP", "loading the model"),
    ],
)
def test_interrupted(sent: str, until: str, shelf: Shelf, tmp_path: Path) -> None:
    with scanning(shelf, tmp_path, until) as (running, worker):
        time.sleep(1 if "range" in until else 0.1)
        running.send_signal(signal.Signals[sent])
        try:
            ran = finished(running)
            assert not alive(worker)
        finally:
            if alive(worker):
                os.kill(worker, signal.SIGKILL)
    assert_refusal(ran, 130, "interrupted")
    assert ran.out == ""
    assert [path for path in tmp_path.rglob("*") if path.name != "scratch"] == []


def test_nohup_outlives_the_terminal(shelf: Shelf, tmp_path: Path) -> None:
    with scanning(shelf, tmp_path, "checking the model file", "nohup") as (running, worker):
        running.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert running.poll() is None
        assert alive(worker)
        running.terminate()
        assert_refusal(finished(running), 130, "interrupted")


def test_a_killed_worker_is_explained(shelf: Shelf, tmp_path: Path) -> None:
    with scanning(shelf, tmp_path, "loading the model") as (running, worker):
        os.kill(worker, signal.SIGKILL)
        ran = finished(running)
    assert_refusal(ran, 3, "the worker was killed", "memory", "--batch-size")
    assert [path for path in tmp_path.rglob("*") if path.name != "scratch"] == []


def into_a_closed_pipe(stream: str, *arguments: object) -> Ran:
    """Run with `stdout` or `stderr` a pipe that nobody reads any more, as after `| head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
    ran = subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)], **streams, check=False
    )
    os.close(writer)
    return Ran(ran.returncode, (ran.stdout or b"").decode(), (ran.stderr or b"").decode())


@pytest.mark.parametrize("arguments", [["triggers", "list"], ["--help"]])
def test_nobody_reads_the_answer(arguments: list[str]) -> None:
    """It is not 1, which says that a limit was exceeded."""
    assert into_a_closed_pipe("stdout", *arguments) == Ran(3, "", "")


def test_nobody_reads_the_complaint() -> None:
    ran = into_a_closed_pipe("stderr", "scan", "m.keras", "--trigger", "square8")
    assert ran == Ran(3, "", "")


def test_nobody_reads_the_summary(shelf: Shelf) -> None:
    args = [shelf / "clean.keras", "--trigger", "square8", "--data", shelf.data, "--no-progress"]
    assert into_a_closed_pipe("stdout", "scan", *args) == Ran(3, "", "")


def test_the_disk_behind_standard_output_is_full() -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "auditor", "triggers", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert_refusal(Ran(ran.returncode, "", ran.stderr.decode()), 3, "No space left on device")
    assert b"defect" not in ran.stderr


def test_standard_output_is_closed() -> None:
    ran = subprocess.run(
        ["sh", "-c", '"$0" -m auditor triggers list >&-', sys.executable],
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_both_standard_streams_are_closed(shelf: Shelf) -> None:
    scan = [shelf / "clean.keras", "--trigger", "square8", "--data", shelf.data]
    ran = subprocess.run(["sh", "-c", CLOSED, sys.executable, *map(str, scan)], check=False)
    assert ran.returncode == 0


def test_an_ascii_terminal() -> None:
    ran = bdaudit("triggers", "list", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.code == 0, ran.err
    assert "squareN" in ran.out


def test_the_worker_ends_with_its_parent_however_that_ends(shelf: Shelf, tmp_path: Path) -> None:
    with scanning(shelf, tmp_path, "loading the model") as (running, worker):
        running.kill()
        running.wait()
        until = time.monotonic() + 5
        while alive(worker) and time.monotonic() < until:
            time.sleep(0.05)
        assert not alive(worker)


def test_what_is_left_when_it_is_killed_goes_when_the_next_one_starts(
    shelf: Shelf, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    with scanning(shelf, tmp_path, "loading the model") as (running, worker):
        running.send_signal(signal.SIGSTOP)  # so that it lives long enough
        assert bdaudit("inspect", shelf / "flat.keras", TMPDIR=str(scratch)).code == 0
        assert len(list(scratch.glob("*/*/model.keras"))) == 1  # a living one's
        running.kill()
        running.wait()
        assert list(scratch.glob("*/*/model.keras"))
        assert bdaudit("inspect", shelf / "flat.keras", TMPDIR=str(scratch)).code == 0
        assert list(scratch.iterdir()) == []
        assert not alive(worker)

"""What a worker may use, each limit by itself, on real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor.errors import WorkError
from auditor.worker import watchdog
from auditor.worker.watchdog import MOST_SAID, SILENCE, Watchdog, free_memory, out_of_memory

PLENTY = 1 << 40
LONG = 1e9
MIB = 1 << 20


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watchdog, "time", clock)
    return clock


@contextmanager
def process(code: str) -> Iterator[int]:
    """Run a process that has done `code` and waits; give its number."""
    script = f"{code}\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-I", "-c", f"import threading, time\n{script}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdin and running.stdout
        running.stdout.readline()
        yield running.pid
        running.stdin.close()


def look(dog: Watchdog, clock: Clock) -> None:
    """Let it look, a little later."""
    clock.now += 1
    dog.check()


def test_a_worker_that_uses_little_is_left_alone(clock: Clock, tmp_path: Path) -> None:
    dog = Watchdog(os.getpid(), [tmp_path], PLENTY, LONG)
    for _ in range(3):
        dog.heard(100)
        look(dog, clock)


def test_it_may_run_as_long_as_was_said_and_no_longer(clock: Clock, tmp_path: Path) -> None:
    dog = Watchdog(os.getpid(), [tmp_path], PLENTY, seconds=90)
    clock.now += 90
    dog.check()
    clock.now += 0.5
    dog.heard(1)
    with pytest.raises(WorkError, match=r"--time-limit, 1\.5 minutes; the worker was stopped"):
        dog.check()


def test_silence_counts_from_the_last_word(clock: Clock, tmp_path: Path) -> None:
    dog = Watchdog(os.getpid(), [tmp_path], PLENTY, LONG)
    for _ in range(3):
        clock.now += SILENCE
        dog.heard_nothing()
        dog.heard(1)
    clock.now += SILENCE + 0.5
    with pytest.raises(WorkError, match="said nothing for 15 minutes and was stopped"):
        dog.heard_nothing()


def test_all_that_is_said_is_counted_together(tmp_path: Path) -> None:
    dog = Watchdog(os.getpid(), [tmp_path], PLENTY, LONG)
    for _ in range(4):
        dog.heard(MOST_SAID // 4)
    with pytest.raises(WorkError, match="said more than 256 MiB and was stopped"):
        dog.heard(1)


def test_memory_is_what_the_process_itself_holds(clock: Clock, tmp_path: Path) -> None:
    """A hoard of 200 MiB, all of it touched, beside a few of Python's own."""
    with process("hoard = b'x' * (200 << 20)") as pid:
        look(Watchdog(pid, [tmp_path], 300 * MIB, LONG), clock)
        with pytest.raises(WorkError) as refused:
            look(Watchdog(pid, [tmp_path], 200 * MIB, LONG), clock)
    assert str(refused.value) == out_of_memory(200 * MIB)


def test_what_is_said_of_memory_helps() -> None:
    said = out_of_memory(3 << 29)
    assert said.startswith("the worker needs more than its 1.5 GiB of memory")
    assert "--batch-size" in said and "--memory-limit" in said


def test_threads_are_counted_to_one(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = (
        "for _ in range(20): threading.Thread(target=time.sleep, args=(99,), daemon=True).start()"
    )
    with process(code) as pid:
        monkeypatch.setattr(watchdog, "_MOST_THREADS", 21)  # its first thread is one, too
        look(Watchdog(pid, [tmp_path], PLENTY, LONG), clock)
        monkeypatch.setattr(watchdog, "_MOST_THREADS", 20)
        with pytest.raises(WorkError, match="started more than 20 threads"):
            look(Watchdog(pid, [tmp_path], PLENTY, LONG), clock)


def test_a_worker_that_has_ended_uses_nothing(clock: Clock, tmp_path: Path) -> None:
    with process("pass") as pid:
        pass
    look(Watchdog(pid, [tmp_path], memory=0, seconds=LONG), clock)


def test_page_tables_are_memory(clock: Clock, tmp_path: Path) -> None:
    """A page of zeros every 2 MiB holds no memory but the table that it is entered in."""
    code = """
import mmap
zeros = mmap.mmap(-1, 200 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
for at in range(0, len(zeros), 2 << 20):
    zeros[at]
"""
    with process(code) as pid:
        look(Watchdog(pid, [tmp_path], 500 * MIB, LONG), clock)
        with pytest.raises(WorkError, match="memory"):
            look(Watchdog(pid, [tmp_path], 400 * MIB, LONG), clock)


@pytest.mark.parametrize("call", [{"x86_64": 60, "aarch64": 93}.get(os.uname().machine)])
def test_a_process_whose_first_thread_has_ended_is_watched(
    clock: Clock, tmp_path: Path, call: int
) -> None:
    code = f"""
import ctypes
def go_on():
    hoard = b'x' * (200 << 20)
    print(flush=True)
    input()
threading.Thread(target=go_on).start()
ctypes.CDLL(None).syscall({call}, 0)
"""
    with process(code) as pid:
        with pytest.raises(WorkError, match="memory"):
            look(Watchdog(pid, [tmp_path], 200 * MIB, LONG), clock)
        os.kill(pid, 9)


def test_a_worker_may_have_most_of_what_is_free_and_at_least_4_gib() -> None:
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    there = int(facts["MemTotal"].split()[0]) << 10
    assert 4 << 30 <= free_memory() <= max(4 << 30, there)


@pytest.mark.parametrize(
    ("machine", "container", "allowed"),
    [(100, 50, 45), (50, 100, 45), (3, 100, 4), (100, 3, 4), (100, -1, 4)],
)
def test_the_tighter_of_machine_and_container_counts(
    machine: int, container: int, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_machine", lambda: machine << 30)
    monkeypatch.setattr(watchdog, "_group", lambda: container << 30)
    assert free_memory() == allowed << 30

"""One worker as a process: started with next to nothing, listened to, ended for certain."""

import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from auditor.errors import WorkError
from auditor.text import printable
from auditor.worker.watchdog import Watchdog, out_of_memory

SECONDS_TO_STOP = 60
"""For a step of training and a checkpoint, and for a finished worker to go."""

STARTING = "starting the backend"
"""What a worker says that it does before it has opened any file of the user's."""

COMMAND = (sys.executable, "-I", "-m", "auditor.worker")

_CRASHES = (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGFPE, -signal.SIGILL)
_MAX_LINE = 1 << 16
_MAX_LOG = 1 << 16
_CHUNK = 1 << 16
_EVERY = 0.1
"""Seconds between two looks at what it uses: a disk can be filled by gigabytes a second."""


class Worker:
    """A process that runs `auditor.worker`.

    Attributes:
        pid: Its number.
    """

    def __init__(self, scratch: Path, environment: dict[str, str]) -> None:
        """Start it.

        Args:
            scratch: The folder that it works in.
            environment: All the variables that it is given.

        Raises:
            WorkError: This Python cannot be executed.
        """
        try:
            self._process = subprocess.Popen(
                COMMAND,
                cwd=scratch,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C reaches the parent first: nothing partial is left
            )
        except OSError as error:
            raise WorkError(
                f"the worker cannot be started: {printable(COMMAND[0])}: {error.strerror or error}"
            ) from error
        self.pid = self._process.pid
        assert self._process.stdout is not None and self._process.stderr is not None
        self._voice, self._errors = self._process.stdout, self._process.stderr
        self._tail = b""
        self._log_reader = threading.Thread(target=self._read_log, daemon=True)
        self._log_reader.start()
        self._watcher: threading.Thread | None = None
        self._ended = threading.Event()
        self._refusal: WorkError | None = None

    def watch(self, watchdog: Watchdog) -> None:
        """From here on, kill it as soon as it uses more than it may; `lines` and `wait` say so.

        A thread of its own does: one that also listens would look away while it is kept busy.
        """
        self._watcher = threading.Thread(target=self._watch, args=(watchdog,), daemon=True)
        self._watcher.start()

    def lines(self, watchdog: Watchdog) -> Iterator[bytes]:
        """Give what it says, line by line, until it closes its end or is dead.

        Args:
            watchdog: Told how much it says.

        Raises:
            WorkError: It has used more than it may, or says too much or nothing, or a line is
                longer than any message.
        """
        unfinished = b""
        with selectors.DefaultSelector() as ready:
            ready.register(self._voice, selectors.EVENT_READ)
            while True:
                if ready.select(0.5):
                    chunk = os.read(self._voice.fileno(), _CHUNK)
                    if not chunk:
                        break
                    watchdog.heard(len(chunk))
                    *lines, unfinished = (unfinished + chunk).split(b"\n")
                    if max(map(len, (unfinished, *lines))) > _MAX_LINE:
                        raise WorkError("the worker sent a message that is too long")
                    yield from lines
                elif self._process.poll() is not None:
                    break
                else:
                    watchdog.heard_nothing()
        self._raise_refusal()

    def wait(self) -> int:
        """Return its exit status once it has ended by itself.

        Raises:
            WorkError: It does not, or has used more than it may.
        """
        try:
            status = self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            message = "the worker closed its end and went on; it was stopped"
            raise WorkError(message) from None
        self._raise_refusal()
        return status

    def ask_to_stop(self) -> None:
        """Ask it to put away what it has, and give it the time."""
        self._process.terminate()
        # What it says until then is read, and lost: a full pipe would hold it up.
        threading.Thread(target=self._read_voice, daemon=True).start()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_STOP)

    def end(self) -> None:
        """Kill it and, where it could start any, its children."""
        self._ended.set()
        if self._watcher:
            self._watcher.join(5)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._log_reader.join(5)
        for stream in (self._voice, self._errors):
            stream.close()

    def log(self) -> list[str]:
        """Return the end of what it wrote to its standard error, safe to show."""
        return [printable(line) for line in self._tail.decode("utf-8", "replace").splitlines()]

    def explain_exit(self, code: int, memory: int, doing: str) -> str:
        """Say how it died, with the last line that it left.

        Args:
            code: Its exit status.
            memory: Bytes that it was allowed.
            doing: What it said that it was doing.
        """
        log = self.log()
        during = f" while {doing}" if doing else ""
        if any("bad_alloc" in line or "MemoryError" in line for line in log[-20:]):
            return out_of_memory(memory)
        if code == -signal.SIGKILL:
            advice = "try a smaller --batch-size"
            return f"the worker was killed, most likely for lack of memory; {advice}"
        if code == -signal.SIGXCPU:
            return f"the worker computed without end{during}; the file is damaged, or made for that"
        if code in _CRASHES and doing == STARTING:
            return f"the worker crashed (signal {-code}){during}: see -v, and run 'bdaudit doctor'"
        if code in _CRASHES:
            why = "the file is damaged or made for that, or there is too little memory"
            return f"the worker crashed (signal {-code}){during}: {why} (--memory-limit)"
        if code == -signal.SIGSYS:
            return "the worker made a system call of another machine and was stopped"
        how = f"signal {-code}" if code < 0 else f"status {code}"
        last = f": {log[-1]}" if log else ""
        return f"the worker ended with {how}{during}{last}"

    def _watch(self, watchdog: Watchdog) -> None:
        while not self._ended.wait(_EVERY):
            try:
                watchdog.check()
            except WorkError as error:
                self._refusal = error
                self._process.kill()
                return

    def _raise_refusal(self) -> None:
        if self._refusal:
            raise self._refusal

    def _read_log(self) -> None:
        """Read all of it, however much that is, and keep the end."""
        for chunk in _chunks(self._errors):
            self._tail = (self._tail + chunk)[-_MAX_LOG:]

    def _read_voice(self) -> None:
        for _ in _chunks(self._voice):
            pass


def _chunks(stream: Any) -> Iterator[bytes]:
    with suppress(OSError, ValueError):  # closed meanwhile
        while chunk := os.read(stream.fileno(), _CHUNK):
            yield chunk

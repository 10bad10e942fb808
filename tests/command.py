"""The real command in a process of its own, forked from one that has imported it (`preloaded`).

Starting Python and importing the commands takes half a second of computing, and hundreds of tests
run one. Its workers are forked as well, but for tests that are marked `real_start`.
"""

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

_OF_PYTHON = ("PYTHON", "LANG", "LC_")

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.preloaded"])
forked_workers = True
"""Whether workers are forked, too; else each is started as a user's is."""

_one_at_a_time = Lock()
"""Whoever starts a process also asks after all others; two who ask at once get two answers."""


def needs_its_own_python(environment: dict[str, str]) -> bool:
    """Whether variables are given that Python itself reads when it starts."""
    return any(name.startswith(_OF_PYTHON) for name in environment)


def run(
    arguments: list[str],
    folder: Path | None,
    environment: dict[str, str],
    seconds: float,
    prepare: Callable[[], None] | None = None,
) -> tuple[int, bytes, bytes]:
    """Return the exit code, standard output and standard error.

    Args:
        arguments: The command line, without the command's name.
        folder: Where it runs.
        environment: Variables beside those of this process.
        seconds: That it may take.
        prepare: Done in its process first: what makes the machine another one for it.

    Raises:
        TimeoutError: It did not end in so many seconds.
    """
    with TemporaryDirectory() as kept:
        streams = (Path(kept, "out"), Path(kept, "err"))
        variables = {**os.environ, **environment}
        given = (arguments, folder or Path.cwd(), variables, streams, forked_workers, prepare)
        child = _forks.Process(target=_command, args=given)
        with _one_at_a_time:
            child.start()
        ended = wait([child.sentinel], seconds)
        with _one_at_a_time:
            if not ended:
                child.kill()
            child.join()
        if not ended:
            raise TimeoutError(f"{arguments} did not end in {seconds} seconds")
        out, err = (stream.read_bytes() for stream in streams)
        return child.exitcode, out, err


def _command(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    streams: tuple[Path, Path],
    forked: bool,
    prepare: Callable[[], None] | None,
) -> None:
    """Be what a shell would have started."""
    from auditor.cli.main import main

    for number, stream in enumerate(streams, start=1):
        with stream.open("wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None  # which the process that this is forked from has looked for
    sys.argv = ["bdaudit", *arguments]
    if forked:
        from tests.forked_worker import ForkedWorker

        subprocess.Popen = ForkedWorker  # type: ignore[misc]
    if prepare:
        prepare()
    code = main()
    gc.collect()  # as Python does when it ends: WeasyPrint's scratch folder goes with its fonts
    sys.exit(code)

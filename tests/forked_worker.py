"""A worker forked from the command that starts it, which has imported all that a worker imports.

All else is as it is: a process of its own with its own session, pipes, folder and variables, which
confines itself before it opens anything. For tests of everything but the sandbox and the start.
"""

import os
import signal
import subprocess
import sys
import tempfile
import traceback
from typing import Any

from auditor.worker.process import COMMAND as WORKER
from tests import preloaded

_MOST_FILES = 4096


class ForkedWorker(subprocess.Popen):
    """`subprocess.Popen` of `auditor.worker` without a new Python, where that is the same."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        folder, environment, pipes = rest[4], rest[5], rest[9:15]
        if args != WORKER or not preloaded.can_fork(environment):
            super()._execute_child(args, *rest)
            return
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            stdin, stdout, stderr = pipes[0], pipes[3], pipes[5]
            _be_the_worker(folder, environment, (stdin, stdout, stderr))
        self._child_created = True
        self._close_pipe_fds(*pipes)


def _be_the_worker(folder: Any, environment: dict[str, str], streams: tuple[int, ...]) -> None:
    status = 1
    try:
        os.setsid()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_DFL)
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        os.closerange(3, _MOST_FILES)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = None  # which the command has looked for
        sys.stdout, sys.stderr = (os.fdopen(n, "w", closefd=False) for n in (1, 2))
        from auditor.worker.__main__ import main

        status = main()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)

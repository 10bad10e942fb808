"""A worker from start to end.

Confines itself, reads `job.json`, tells progress as JSON lines on standard output, leaves
`result.json` (and `arrays.npz`) beside it. Whatever libraries print goes to standard error.
"""

import gc
import json
import os
import signal
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auditor.errors import AuditorError, WorkError, is_out_of_memory, reason
from auditor.worker import sandbox
from auditor.worker.jobs import JOBS
from auditor.worker.sandbox import libc
from auditor.worker.tell import Tell


def _confine(wanted: dict[str, Any] | None, tell: Tell) -> None:
    """Give up all that the work does not need, and say what was achieved.

    Raises:
        WorkError: All of it is required, and this machine does not offer it.
    """
    if wanted is None:
        return
    confined = sandbox.Confinement(0, False, off=True)
    if wanted["mode"] != "off":
        if wanted["mode"] == "required" and not sandbox.offered().whole:
            raise WorkError(
                f"--sandbox required: this machine has {sandbox.offered().lacking}; use Linux 5.13 "
                "or newer on x86-64 or aarch64, or --sandbox auto"
            )
        read, write = ([Path(path) for path in wanted[key]] for key in ("read", "write"))
        confined = sandbox.confine(
            read,
            write,
            wanted["memory"],
            gpu=wanted["gpu"],
            walls=wanted["walls"],
            everything_in=map(Path, wanted["everything_in"]),
        )
    tell({"event": "confined", **asdict(confined)})


def main() -> int:
    """Run the job in the current folder; return the exit status."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not be taken for a message

    def tell(event: dict[str, Any]) -> None:
        channel.write(json.dumps(event) + "\n")
        channel.flush()

    if sys.platform == "linux":
        libc.end_with_parent(signal.SIGKILL)
    gc.set_threshold(50_000)  # what the libraries make while they are imported stays
    folder = Path.cwd()
    job = json.loads((folder / "job.json").read_text("utf-8"))
    if job["kind"] != "demo":
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # Keras tries it, for nothing
    try:
        _confine(job["confine"], tell)
        JOBS[job["kind"]](job, folder, tell)
    except AuditorError as error:
        tell({"event": "error", "code": error.exit_code, "message": str(error)})
    except Exception as error:
        message = "not enough memory; try a smaller --batch-size, or a larger --memory-limit"
        if not is_out_of_memory(error):
            traceback.print_exc()
            message = f"{job.get('name', job['kind'])}: the work failed: {reason(error)}"
        tell({"event": "error", "code": WorkError.exit_code, "message": message})
    return 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # nothing is left to put away, and taking TensorFlow apart takes a second

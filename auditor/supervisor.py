"""The parent's half of the two processes: take the file in, start the worker, listen, collect.

The suspected file is only ever opened for copying and hashing here; the worker, in a scratch folder
of its own, opens the copy. What comes back is size-capped JSON and arrays without pickle.
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import AuditorError, InputError, UsageError, WorkError
from auditor.text import printable

Progress = Callable[[str, int, int], None]

_KEPT = (
    "CUDA_VISIBLE_DEVICES",
    "KERAS_BACKEND",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
"""The variables of the user's environment that the worker is given; everything else stays here."""

_MAX_LINE = 1 << 16
_MAX_MODEL = 8 << 30
_MAX_RESULT = 64 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Taken:
    """A file that was copied into the scratch folder while it was hashed.

    Attributes:
        path: The user's path, as given.
        copy: The copy, whose bytes are the hashed ones.
        sha256: Hex digest.
        bytes: Size.
    """

    path: Path
    copy: Path
    sha256: str
    bytes: int


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a private folder that is gone afterwards, whatever happened."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="bdaudit-")).resolve()
    except OSError as error:
        raise WorkError(f"{tempfile.gettempdir()}: no scratch folder: {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take(path: Path, folder: Path) -> Taken:
    """Copy a model file into `folder`, hashing what is copied.

    Raises:
        InputError: There is no such file, it is not a regular file, or it cannot be read.
    """
    shown = printable(str(path))
    copy = folder / ("model" + path.suffix.lower())
    digest, size = hashlib.sha256(), 0
    try:
        with _open_regular(path) as source, copy.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                sink.write(chunk)
                size += len(chunk)
    except FileNotFoundError as error:
        raise InputError(f"{shown}: no such model file") from error
    except OSError as error:
        raise InputError(f"{shown}: model file: {error.strerror or error}") from error
    return Taken(path, copy, digest.hexdigest(), size)


def _open_regular(path: Path) -> Any:
    """Open for reading without waiting for a FIFO's writer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind) and os.fstat(descriptor).st_size > _MAX_MODEL:
        os.close(descriptor)
        raise OSError("is larger than 8 GiB")
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        what = "a folder" if stat.S_ISDIR(kind) else "a special file"
        raise OSError(f"is {what}, expected a .keras or .h5 file")
    return os.fdopen(descriptor, "rb")


def run(job: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Run one job in a worker and return its result.

    Args:
        job: What `worker.JOBS` understands, `kind` among it.
        folder: The scratch folder; `result.json` and `arrays.npz` are left in it.
        progress: Told how far the worker is.

    Raises:
        AuditorError: What the worker refused, with its exit code.
        WorkError: The worker died, hung up or sent something else than it should.
    """
    (folder / "result.json").unlink(missing_ok=True)
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-I", "-m", "auditor.worker"],
            cwd=folder,
            env=_environment(folder, job),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C comes here first, so that nothing partial is left
        )
        try:
            refusal = _listen(worker, progress)
            code = worker.wait()
        finally:
            worker.kill()
            worker.wait()
            if worker.stdout:
                worker.stdout.close()
    if refusal is not None:
        raise refusal
    if code != 0:
        raise WorkError(_epitaph(code, folder))
    return _read_result(folder / "result.json")


def _environment(folder: Path, job: dict[str, Any]) -> dict[str, str]:
    own = {name: os.environ[name] for name in _KEPT if name in os.environ}
    home = str(folder)
    if job["kind"] == "fetch":  # downloads are kept where Keras keeps them, and may need a proxy
        home = os.environ.get("HOME", home)
        own |= {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        own |= {k: os.environ[k] for k in ("KERAS_HOME", "SSL_CERT_FILE") if k in os.environ}
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": home,
        "TMPDIR": str(folder),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **own,
    }


def _listen(worker: "subprocess.Popen[bytes]", progress: Progress) -> AuditorError | None:
    """Pass progress on until the worker closes its end; return its refusal, if it sent one."""
    assert worker.stdout is not None
    while line := worker.stdout.readline(_MAX_LINE):
        try:
            event = json.loads(line)
            if event["event"] == "progress":
                progress(
                    printable(str(event["phase"]), 80), int(event["done"]), int(event["total"])
                )
            elif event["event"] == "error":
                kind = UsageError if event["code"] == UsageError.exit_code else InputError
                return kind(printable(str(event["message"]), 1000))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise WorkError("the worker sent a message that cannot be understood") from error
    return None


def _epitaph(code: int, folder: Path) -> str:
    """Say how the worker died, with the last line that it left."""
    log = (folder / "worker.log").read_text("utf-8", "replace").strip().splitlines()
    last = f": {printable(log[-1])}" if log else ""
    if code == -9:
        return "the worker was killed, most likely for lack of memory; try a smaller --batch-size"
    how = f"signal {-code}" if code < 0 else f"status {code}"
    return f"the worker ended with {how}{last}"


def _read_result(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_RESULT:
            raise WorkError("the worker's result is larger than 64 MiB")
        result = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WorkError("the worker left no readable result") from error
    if not isinstance(result, dict):
        raise WorkError("the worker's result is not an object")
    return result


def log_tail(folder: Path, lines: int = 40) -> str:
    """Return the end of what the worker wrote to its standard error, for `-v`."""
    with suppress(OSError):
        log = (folder / "worker.log").read_text("utf-8", "replace").splitlines()
        return "\n".join(printable(line) for line in log[-lines:])
    return ""

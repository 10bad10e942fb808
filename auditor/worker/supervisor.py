"""The parent's half of the two processes: start a confined worker, listen, collect what it left.

The suspected file is only ever opened for copying and hashing here (`intake`). What comes back is
size-capped JSON and arrays without pickle, from a folder of the worker's own in which no link is
followed.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from auditor.data.kinds import reads
from auditor.errors import AuditorError, InputError, UsageError, WorkError
from auditor.figures.facts import Device
from auditor.files import intake
from auditor.files.codec import from_json, no_array
from auditor.files.scratch import Scratch
from auditor.files.strict_json import strict
from auditor.measure.progress import Progress, silent
from auditor.text import printable
from auditor.worker import exchange, sandbox
from auditor.worker.process import Worker
from auditor.worker.sandbox import Confinement, gpu
from auditor.worker.sandbox.gpu import Grant
from auditor.worker.watchdog import Watchdog, free_memory

Listen = Callable[[dict[str, Any]], None]

BACKENDS = ("tensorflow", "jax", "torch")
"""Keras backends that the worker's jobs run on; the first is the default."""

_KEPT = (
    "CUDA_DEVICE_ORDER",
    "CUDA_MODULE_LOADING",
    "CUDA_VISIBLE_DEVICES",
    "JAX_PLATFORMS",
    "KERAS_BACKEND",
    "LD_LIBRARY_PATH",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_GPU_ALLOCATOR",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_ALLOCATOR",
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
)
"""The variables of the user's environment that the worker is given; everything else stays here."""

_INPUTS = ("model", "model_folder", "object_region")
_DATA = ("data", "evaluation", "named_by")
"""What in a job names files to read; `files` names those of its triggers."""


_WITHOUT_KERAS = ("show", "inspect", "probe", "external_files", "bring")
_DOWNLOADS = ("fetch", "bring")
_OF_DOWNLOADS = (
    *("KERAS_HOME", "XDG_CACHE_HOME"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
"""The variables that a download is given besides, and those that its job names."""

_MOST_PHASES = 10_000
"""Each may be a line on the user's screen; an audit has some for each of its triggers."""


@dataclass(frozen=True)
class Guard:
    """How workers are kept.

    Attributes:
        sandbox: One of `sandbox.MODES`.
        memory: Bytes that a worker may use; None for most of what is free when it starts.
        seconds: Seconds that one worker may run.
    """

    sandbox: str = sandbox.MODES[0]
    memory: int | None = None
    seconds: float = 24 * 3600.0


class Supervisor:
    """Keeps workers, one at a time, and a scratch folder that is gone afterwards.

    Attributes:
        confinement: What the kernel kept the last confined worker to.
        device: What the last worker that said so computes on.
    """

    def __init__(
        self,
        guard: Guard,
        notify: Callable[[str], None] = lambda line: None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        """Start none yet.

        Args:
            guard: How workers are kept.
            notify: Told, while it runs, what the user must know of a worker: a line, once.
            log: Told the end of what each worker wrote to its standard error, where it wrote any.
        """
        self.confinement: Confinement = sandbox.NONE
        self.device = Device()
        self._guard, self._notify, self._log, self._noted = guard, notify, log, ""
        self._worker: Worker | None = None
        self._doing = ""

    def __enter__(self) -> Self:
        try:
            self._folder = Scratch()
        except OSError as error:
            where = tempfile.gettempdir()
            raise WorkError(f"{where}: no scratch folder: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.remove()

    def copy(
        self, path: Path, *, follow: bool = True, external_data: bool = False
    ) -> intake.ModelCopy:
        """Copy a model to where workers can read it and not change it; as `intake.copy_model`.

        With `external_data`, the files beside it that its numbers are in come along; a worker says
        which, since the model is not opened here.
        """
        model_copy = intake.copy_model(path, self.scratch(), follow=follow)
        if not external_data or model_copy.copy.is_dir():
            return model_copy
        job = {"kind": "external_files", "model": str(model_copy.copy), "name": path.name}
        names = self.run(job, self.scratch(), silent).get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise WorkError("the worker sent a message that cannot be understood")
        return intake.copy_beside(model_copy, names)

    def scratch(self) -> Path:
        """Make a folder for one worker."""
        return Path(tempfile.mkdtemp(dir=self._folder.path))

    def run(
        self, job: dict[str, Any], scratch: Path, progress: Progress, listen: Listen | None = None
    ) -> dict[str, Any]:
        """Run one job in a worker and return its result.

        Args:
            job: What `jobs.JOBS` understands, `kind` among it.
            scratch: The folder that it may write in; `result.json` and what comes with it are left
                there.
            progress: Told how far the worker is.
            listen: Told whatever else the worker says. A worker that is listened to is asked to
                stop when this process is interrupted, and waited for: it may have something to put
                away.

        Raises:
            AuditorError: What the worker refused, with its exit code.
            UsageError: `KERAS_BACKEND` names none of `BACKENDS`.
            WorkError: The backend is not installed, or the worker died, hung, used more than it
                may, or sent something else than it should.
        """
        if job["kind"] not in _WITHOUT_KERAS:
            _check_backend(job.get("backend") or backend())
        memory = self._guard.memory or free_memory()
        grant = self._grant(job)
        there = gpu.on_this_machine()
        job = {**job, "gpu": {"there": there, "hidden": grant.hidden, "partly": grant.partly}}
        job["confine"] = self._confinement(job, scratch, memory, gpu=grant.usable)
        (scratch / "job.json").write_text(json.dumps(job), "utf-8")
        self._doing = ""
        self._worker = worker = Worker(scratch, _environment(scratch, job, grant.variables))
        try:
            folders = _writable(job, scratch)
            watchdog = Watchdog(worker.pid, folders, memory, self._guard.seconds)
            worker.watch(watchdog)
            refusal = self._listen(
                worker.lines(watchdog), progress, listen, told=not job["confine"]
            )
            code = 0 if refusal else worker.wait()
        except KeyboardInterrupt:
            if listen:
                worker.ask_to_stop()
            raise
        finally:
            worker.end()
            if self._log and (tail := self.log_tail()):
                self._log(tail)
        if refusal is not None:
            raise refusal
        if code != 0:
            of = f"{printable(job['name'])}: " if "name" in job else ""
            raise WorkError(of + worker.explain_exit(code, memory, self._doing))
        return exchange.read_result(scratch)

    def log_tail(self, lines: int = 40) -> str:
        """Return the end of what the last worker wrote to its standard error."""
        return "\n".join(self._worker.log()[-lines:]) if self._worker else ""

    def _grant(self, job: dict[str, Any]) -> Grant:
        """Settle whether a worker may use a GPU; what runs no model is done on the CPU."""
        confined = self._guard.sandbox != "off" and sandbox.offered().seccomp
        return gpu.grant(job.get("device", "cpu"), confined=confined)

    def _confinement(
        self, job: dict[str, Any], scratch: Path, memory: int, *, gpu: bool
    ) -> dict[str, Any] | None:
        """Say what a worker is to be kept to; a download, far from any model, needs the network."""
        if job["kind"] in _DOWNLOADS:
            return None
        own = {**job, **job.get("options", {})}
        models = (own, job.get("before", {}))
        read = [one[key] for one in models for key in _INPUTS if one.get(key)]
        read += job.get("files", [])
        read += [reads(own[key]) for key in _DATA if own.get(key)]
        read += os.environ.get("LD_LIBRARY_PATH", "").split(":")
        return {
            "mode": self._guard.sandbox,
            "read": [str(path) for path in read if Path(path).is_absolute()],
            "write": [str(folder) for folder in _writable(job, scratch)],
            "memory": None if gpu else memory,
            "gpu": gpu,
            "walls": job.get("walls", sandbox.WALLS),
            "everything_in": job.get("everything_in", []),
        }

    def _listen(
        self, lines: Iterable[bytes], progress: Progress, listen: Listen | None, *, told: bool
    ) -> AuditorError | None:
        """Pass on what the worker says until it closes its end; return its refusal, if any."""
        computes, phases = False, 0
        for line in lines:
            try:
                event = strict(line)
                kind = event["event"]
                if not told and kind == "confined":
                    walls = {k: v for k, v in event.items() if k != "event"}
                    self.confinement = from_json(Confinement, walls, no_array)
                    told = True
                elif kind == "error":
                    known = UsageError if event["code"] == UsageError.exit_code else InputError
                    return known(printable(str(event["message"]), 1000))
                elif not told:
                    raise ValueError("speaks before it is confined")
                elif kind == "device" and not computes:
                    computes = True
                    given = {k: v for k, v in event.items() if k != "event"}
                    self._computes_on(from_json(Device, given, no_array))
                elif kind == "progress":
                    doing = printable(str(event["phase"]), 80)
                    phases += doing != self._doing
                    if phases > _MOST_PHASES:
                        raise ValueError("begins more than any work has parts")
                    self._doing = doing
                    progress(self._doing, int(event["done"]), int(event["total"]))
                elif listen:
                    listen(event)
                else:
                    raise ValueError("says what nobody asked for")
            except (InputError, ValueError, KeyError, TypeError, OverflowError):
                message = "the worker sent a message that cannot be understood"
                raise WorkError(message) from None
        return None

    def _computes_on(self, device: Device) -> None:
        """Take note of what a worker computes on; say what of the machine it does not use."""
        self.device = Device(
            tuple(printable(name, 80) for name in device.gpus), printable(device.unused, 400)
        )
        if self.device.unused and not self._noted:
            self._noted = self.device.unused
            where = "not all GPUs are used" if device.gpus else "computing on the CPU, not the GPU"
            self._notify(f"{where}: {self._noted}")


def backend() -> str:
    """Return the Keras backend that the worker will use."""
    return os.environ.get("KERAS_BACKEND") or BACKENDS[0]


def _writable(job: dict[str, Any], scratch: Path) -> list[Path]:
    """Return the folders that a worker may write in."""
    return [scratch, *([Path(job["checkpoints"])] if "checkpoints" in job else [])]


def _check_backend(name: str) -> None:
    if name not in BACKENDS:
        known = ", ".join(BACKENDS)
        raise UsageError(f"KERAS_BACKEND={printable(name, 60)}: not supported; use one of {known}")
    if find_spec(name) is None:
        others = [other for other in BACKENDS if find_spec(other)]
        instead = f", or set KERAS_BACKEND={others[0]}, which is installed" if others else ""
        raise WorkError(
            f"{name}, the Keras backend, is not installed; run 'pip install {name}'{instead}"
        )


def _environment(
    scratch: Path, job: dict[str, Any], variables: Mapping[str, str]
) -> dict[str, str]:
    own = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own |= variables  # the libraries look for GPUs as soon as they are imported
    if "backend" in job:
        own["KERAS_BACKEND"] = job["backend"]
    home = str(scratch)
    if job["kind"] in _DOWNLOADS:  # kept where their libraries keep them; they may need a proxy
        home = os.environ.get("HOME", home)
        begin = tuple(job.get("variables", ()))
        own |= {
            k: v
            for k, v in os.environ.items()
            if k.lower().endswith("_proxy") or k in _OF_DOWNLOADS or (begin and k.startswith(begin))
        } | job.get("settings", {})
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": home,
        "USER": "bdaudit",
        "TMPDIR": str(scratch),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "HDF5_PLUGIN_PRELOAD": "::",  # no filters from outside
        "HDF5_USE_FILE_LOCKING": "FALSE",  # which the sandbox refuses, and nobody needs
        "JOBLIB_MULTIPROCESSING": "0",
        **own,
    }

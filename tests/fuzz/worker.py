"""The confined process that meets mutated files: judges one after another, and tells how each went.

Run in place of `auditor.worker`, with a job of kind "fuzz". What it says before each file is what
a death of the whole process is put down to.
"""

import faulthandler
import json
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from auditor.errors import InputError, UsageError, WorkError, is_out_of_memory
from auditor.text import printable
from auditor.worker import __main__ as worker


def check(path: Path, room: Path) -> str:
    """Look at a model file as `bdaudit inspect` does."""
    from auditor.models.inspect import examine
    from auditor.models.inspect.ports import ports
    from auditor.worker import exchange

    inspection = examine(path, path.name)
    for finding in inspection.findings:
        _check_line(finding.place)
        _check_line(finding.reason)
    exchange.save(replace(inspection, config={}), room, "inspection")
    if not inspection.findings:
        exchange.save(ports(path, inspection, path.name), room, "ports")
    return "refused" if inspection.findings else "passed"


def load(path: Path, room: Path) -> str:
    """Load a model that passes the check."""
    import keras

    from auditor.models.input_range import InputRange
    from auditor.models.inspect import inspect
    from auditor.models.loading import open_classifier

    keras.backend.clear_session()
    inspection = inspect(path, path.name)
    try:
        open_classifier(path, inspection, InputRange.parse("0..1"), path.name, (32, 32))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return "refused"  # as the worker does, in its own words
    return "loaded"


def semantics(path: Path, room: Path) -> str:
    """Load a graph, and compare its scores with what others make of it, one at least."""
    import numpy as np

    from auditor.models.input_range import InputRange
    from auditor.models.inspect import inspect
    from auditor.models.loading import open_classifier

    inspection = inspect(path, path.name)
    classifier = open_classifier(path, inspection, InputRange.parse("0..1"), path.name, (8, 8))
    pixels = np.random.default_rng(0).random((6, 8, 8, 3), np.float32)
    ours = np.asarray(classifier.model(pixels))
    given = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    theirs = {name: run(path, given) for name, run in (("runtime", _runtime), ("onnx", _onnx))}
    found = {name: scores for name, scores in theirs.items() if scores is not None}
    assert found, "a graph that nobody else runs is not refused"
    if all(np.isfinite(scores).all() for scores in found.values()):
        largest = max(np.abs(scores).max() for scores in found.values())
        gaps = {name: float(np.abs(ours - s).max() / (largest or 1)) for name, s in found.items()}
        assert min(gaps.values()) < 1e-3, f"other scores than everybody: {gaps}"
    return "passed"


def _runtime(path: Path, pixels: Any) -> Any:
    try:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return session.run(None, {"x": pixels})[0]
    except Exception:  # not installed, or without an operator for these types
        return None


def _onnx(path: Path, pixels: Any) -> Any:
    import numpy as np
    from onnx.reference import ReferenceEvaluator

    from auditor.models.onnx.corrected import CORRECTED

    try:
        with np.errstate(all="ignore"):
            return ReferenceEvaluator(str(path), new_ops=CORRECTED).run(None, {"x": pixels})[0]
    except Exception:  # it lacks some
        return None


def data(path: Path, room: Path) -> str:
    """Open images, and read the first of them as a scan does."""
    import cv2  # noqa: F401

    from auditor.data import open_source

    dataset = open_source(path)
    for text in (dataset.taken, dataset.class_order):
        assert isinstance(text, str)
    count = min(len(dataset), 50)
    dataset.image_size()
    for batch in dataset.batches(range(count), (8, 8), 16):
        assert batch.images.shape[1:] == (8, 8, 3)
        for skipped in batch.skipped:
            assert skipped.name and skipped.reason
    dataset.digest(range(count))
    return "passed"


def trigger(path: Path, room: Path) -> str:
    """Read a trigger file, and stamp an image with every trigger in it."""
    import numpy as np

    from auditor.triggers.build import build, fields
    from auditor.triggers.file import read

    for found in read(path):
        found.stamp(np.zeros((1, 32, 32, 3), np.uint8))
        found.mask((32, 32))
        _check_line(found.summary())
        found.sha256()
        build(json.loads(json.dumps(fields(found))))
    return "passed"


def mlmodel(path: Path, room: Path) -> str:
    """Read what an MLflow model's folder says of itself."""
    from auditor.references.base import is_safe
    from auditor.references.mlmodel import place

    assert is_safe(place(path, path.name))
    return "passed"


sys.path.insert(0, str(Path(__file__).parent))  # python -I has it not
import records  # noqa: E402

del sys.path[0]

JUDGES = {
    "check": check,
    "load": load,
    "semantics": semantics,
    "data": data,
    "trigger": trigger,
    "mlmodel": mlmodel,
    "scanned": records.scanned,
    "repaired": records.repaired,
    "searched": records.searched,
    "compared": records.compared,
    "checkpoint": records.checkpoint,
}
REFUSALS = {
    "trigger": (InputError, UsageError),
    **dict.fromkeys(("scanned", "repaired", "searched"), (InputError, WorkError)),
}
"""Judge → what a refusal is, where it is not an `InputError` alone."""


def fuzz(job: dict[str, Any], folder: Path, tell: worker.Tell) -> None:
    """Judge the files of a job, each within so many seconds of computing."""
    from auditor.worker.exchange import write_result

    if job["judge"] in ("load", "semantics"):  # importing it is nobody's fault
        import keras  # noqa: F401
    faulthandler.register(signal.SIGPROF, chain=True)  # shows where it was, and ends the process
    for name in job["names"]:
        tell({"event": "begun", "name": name})
        signal.setitimer(signal.ITIMER_PROF, job["seconds"])
        began = time.process_time()
        outcome, words = _judged(job["judge"], Path(job["data"]) / name, folder)
        signal.setitimer(signal.ITIMER_PROF, 0)
        seconds = time.process_time() - began
        ended = {"outcome": outcome, "words": words, "seconds": seconds, "memory": _held()}
        tell({"event": "ended", "name": name, **ended})
    write_result({}, folder)


def _judged(judge: str, path: Path, room: Path) -> tuple[str, str]:
    """Return how it went, and the words of a refusal or where a traceback ends."""
    refusals = REFUSALS.get(judge, (InputError,))
    try:
        try:
            return JUDGES[judge](path, room), ""
        except refusals as error:
            _check_line(str(error))
            return "refused", str(error)[:300]
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        where = next(f for f in reversed(frames) if "auditor" in f.filename or f is frames[0])
        place = f"{Path(where.filename).name}:{where.lineno} in {where.name}"
        return "traceback", f"{type(error).__name__} at {place}: {printable(str(error), 200)}"


def _held() -> int:
    """Return the most MiB that this process has held; `getrusage` would count its parent's."""
    facts = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(fact.split()[1]) >> 10 for fact in facts if fact.startswith("VmHWM:"))


def _check_line(text: str) -> None:
    assert text == printable(text, sys.maxsize), f"not printable: {text!r:.200}"


if __name__ == "__main__":
    worker.JOBS["fuzz"] = fuzz
    sys.exit(worker.main())

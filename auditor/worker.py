"""The process that touches the model: `python -I -m auditor.worker`, in a scratch folder.

Reads `job.json`, tells progress as JSON lines on standard output, leaves `result.json` (and
`arrays.npz`) beside it. Whatever libraries print goes to standard error.
"""

import ctypes
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import AuditorError, InputError, WorkError
from auditor.text import printable

if TYPE_CHECKING:
    from auditor.models.classifier import Classifier

Tell = Callable[[dict[str, Any]], None]
Job = dict[str, Any]

_PR_SET_PDEATHSIG = 1


def scan(job: Job, folder: Path, tell: Tell) -> None:
    """Audit a model: load it, measure it, leave an `AuditResult`."""
    from auditor import handoff
    from auditor.data import open_source
    from auditor.measure.audit import Options, audit
    from auditor.triggers.spec import build

    trigger = build(job["trigger"])
    dataset = open_source(job["data"])
    classifier = _classifier(job, dataset.image_size(), tell)
    options = Options(**job["options"])
    result = audit(classifier, dataset, trigger, options, progress=_progress(tell))
    handoff.save(result, folder)


def describe(job: Job, folder: Path, tell: Tell) -> None:
    """Load a model and say what goes in and out of it."""
    from auditor.handoff import write_result

    classifier = _classifier(job, (0, 0), tell)
    facts = {
        "input_shape": [*classifier.size, classifier.channels],
        "classes": classifier.classes,
    }
    write_result(facts, folder)


def fetch(job: Job, folder: Path, tell: Tell) -> None:
    """Download one of the `keras.datasets`; no model is near."""
    from auditor.data.builtin import fetch as download
    from auditor.handoff import write_result

    _progress(tell)(f"downloading {job['data']}", 0, 0)
    write_result({"path": str(download(job["data"], folder))}, folder)


def show(job: Job, folder: Path, tell: Tell) -> None:
    """Read a few images, stamp them, and leave both for a picture."""
    import numpy as np

    from auditor.data import open_source
    from auditor.data.base import sample
    from auditor.handoff import write_result
    from auditor.triggers.spec import build

    trigger = build(job["trigger"])
    dataset = open_source(job["data"])
    size = dataset.image_size()
    indices = sample(dataset, job["count"], job["seed"])
    batches = [b for b in dataset.batches(indices, size, job["count"]) if len(b.labels)]
    if not batches:
        raise InputError(f"{printable(job['data'])}: no images that can be read")
    images = np.concatenate([b.images for b in batches])
    np.savez(
        folder / "arrays.npz", images=images, stamped=trigger.stamp(images), mask=trigger.mask(size)
    )
    write_result({"sha256": trigger.sha256()}, folder)


def demo(job: Job, folder: Path, tell: Tell) -> None:
    """Train the demo's BadNet; leaves `model.keras` and `test.npz`."""
    from auditor.demo import make
    from auditor.handoff import write_result

    make(folder, _progress(tell))
    write_result({}, folder)


JOBS: dict[str, Callable[[Job, Path, Tell], None]] = {
    "scan": scan,
    "describe": describe,
    "fetch": fetch,
    "show": show,
    "demo": demo,
}


def _classifier(job: Job, fallback: tuple[int, int], tell: Tell) -> "Classifier":
    """Look at the model file, load it, and wrap it."""
    from auditor.models.inspect import inspect

    model, name = Path(job["model"]), job["name"]
    _progress(tell)("checking the model file", 0, 0)
    inspection = inspect(model, name)
    from auditor.models.classifier import wrap
    from auditor.models.input_range import InputRange
    from auditor.models.keras_file import load

    _progress(tell)("loading the model", 0, 0)
    loaded = load(model, inspection, name)
    input_range = InputRange.parse(job["input_range"])
    return wrap(loaded, input_range, name, fallback, inspection.format)


def _progress(tell: Tell) -> Callable[[str, int, int], None]:
    def progress(phase: str, done: int, total: int) -> None:
        tell({"event": "progress", "phase": phase, "done": done, "total": total})

    return progress


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent dies, however it dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """Run the job in the current folder; return the exit status."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not be taken for a message

    def tell(event: dict[str, Any]) -> None:
        channel.write(json.dumps(event) + "\n")
        channel.flush()

    _end_with_parent()
    folder = Path.cwd()
    job = json.loads((folder / "job.json").read_text("utf-8"))
    try:
        JOBS[job["kind"]](job, folder, tell)
    except AuditorError as error:
        tell({"event": "error", "code": error.exit_code, "message": str(error)})
    except MemoryError:
        message = "not enough memory; try a smaller --batch-size or --limit"
        tell({"event": "error", "code": WorkError.exit_code, "message": message})
    except Exception as error:
        traceback.print_exc()
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        message = f"{job.get('name', job['kind'])}: the work failed: {reason}"
        tell({"event": "error", "code": WorkError.exit_code, "message": message})
    return 0


if __name__ == "__main__":
    sys.exit(main())

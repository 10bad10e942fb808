"""The model of a job: looked at before anything of it is loaded, then loaded and wrapped."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.worker.process import STARTING
from auditor.worker.sandbox.limits import computing
from auditor.worker.tell import Job, Tell, progress

if TYPE_CHECKING:
    from auditor.figures.facts import Device
    from auditor.models.classifier import Classifier
    from auditor.models.inspect.inspection import Inspection

SECONDS_TO_CHECK = 60
"""Of computing, for the static check: a hundred times what 100 MB take."""


def checked(check: Callable[[Path, str, bool], "Inspection"], job: Job, tell: Tell) -> "Inspection":
    """Look at the model file before anything that could run its content is imported."""
    progress(tell)("checking the model file", 0, 0)
    with computing(SECONDS_TO_CHECK):
        return check(Path(job["model"]), job["name"], "model_folder" in job)


def looked_at(job: Job, tell: Tell) -> "Inspection":
    """Return what a model file declares, all of it harmless as far as is known."""
    from auditor.models.inspect import inspect

    return checked(inspect, job, tell)


def compute_device(job: Job, tell: Tell) -> "Device":
    """Find out what is computed on, and tell.

    Raises:
        UsageError: A GPU is asked for, and none can be used.
        WorkError: The Keras backend cannot be imported, or fails on a GPU that there is.
    """
    from auditor.models.devices import find

    progress(tell)(STARTING, 0, 0)
    found = find(job["device"], **job["gpu"])
    tell({"event": "device", **asdict(found)})
    return found


def classifier_of(
    job: Job, inspection: "Inspection", fallback: tuple[int, int], tell: Tell
) -> "Classifier":
    """Load a model file that was looked at, and wrap it."""
    from auditor.models.devices import start_keras
    from auditor.models.input_range import InputRange
    from auditor.models.loading import open_classifier

    start_keras()
    progress(tell)("loading the model", 0, 0)
    input_range = InputRange.parse(job["input_range"])
    return open_classifier(
        Path(job["model"]), inspection, input_range, job["name"], fallback, job.get("model_output")
    )

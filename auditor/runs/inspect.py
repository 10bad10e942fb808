"""A model file looked at in a worker, without loading it."""

from auditor.measure.progress import Progress, silent
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import Ports
from auditor.records.model_file import ModelFile
from auditor.runs import Notify, ignore
from auditor.runs.model_source import Model, take_in
from auditor.worker import exchange
from auditor.worker.supervisor import Guard, Supervisor


def inspect(
    model: Model,
    guard: Guard,
    *,
    external_data: bool = False,
    progress: Progress = silent,
    notify: Notify = ignore,
) -> ModelFile:
    """Look at a model file.

    Args:
        model: The file, a SavedModel folder, or a reference.
        guard: How the worker is kept.
        external_data: Whether an ONNX file's numbers may be in files beside it.
        progress: Told how much of a reference's model has come.
        notify: Told what a reference stands for.

    Raises:
        AuditorError: It cannot be read, or is no model file.
    """
    with Supervisor(guard) as workers:
        model_copy = take_in(
            model, workers, external_data=external_data, progress=progress, notify=notify
        )
        scratch = workers.scratch()
        workers.run({"kind": "inspect", **model_copy.job()}, scratch, silent)
        return ModelFile(
            model_copy.given,
            model_copy.sha256,
            model_copy.bytes,
            exchange.load(Inspection, scratch),
            exchange.load(Ports, scratch, "ports"),
            model_copy.origin,
        )

"""A model file looked at in a worker, without loading it."""

from pathlib import Path

from auditor.measure.progress import silent
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import Ports
from auditor.records.model_file import ModelFile
from auditor.worker import exchange
from auditor.worker.supervisor import Guard, Supervisor


def inspect(
    model: Path, guard: Guard, *, external_data: bool = False, model_output: str | None = None
) -> ModelFile:
    """Look at a model file.

    Args:
        model: The file, or a SavedModel folder.
        guard: How the worker is kept.
        external_data: Whether an ONNX file's numbers may be in files beside it.
        model_output: Name of the output to tell of; None for all.

    Raises:
        AuditorError: It cannot be read, is no model file, or has no output of that name.
    """
    with Supervisor(guard) as workers:
        model_copy = workers.copy(model, external_data=external_data)
        scratch = workers.scratch()
        job = {"kind": "inspect", **model_copy.job(), "model_output": model_output}
        workers.run(job, scratch, silent)
        return ModelFile(
            str(model_copy.path),
            model_copy.sha256,
            model_copy.bytes,
            exchange.load(Inspection, scratch),
            exchange.load(Ports, scratch, "ports"),
        )

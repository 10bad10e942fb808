"""A model file looked at in a worker, without loading it."""

from pathlib import Path

from auditor.measure.progress import silent
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import Ports
from auditor.records.model_file import ModelFile
from auditor.worker import exchange
from auditor.worker.supervisor import Guard, Supervisor


def inspect(model: Path, guard: Guard, *, external_data: bool = False) -> ModelFile:
    """Look at a model file.

    Args:
        model: The file, or a SavedModel folder.
        guard: How the worker is kept.
        external_data: Whether an ONNX file's numbers may be in files beside it.

    Raises:
        AuditorError: It cannot be read, or is no model file.
    """
    with Supervisor(guard) as workers:
        taken = workers.take(model, external_data=external_data)
        room = workers.room()
        workers.run({"kind": "inspect", **taken.job()}, room, silent)
        return ModelFile(
            str(taken.path),
            taken.sha256,
            taken.bytes,
            exchange.load(Inspection, room),
            exchange.load(Ports, room, "ports"),
        )

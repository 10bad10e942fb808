"""A model file looked at in a worker, without loading it unless its layers are asked for."""

from auditor.measure.progress import Progress, silent
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import HeatmapLayers, Ports
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
    model_output: str | None = None,
    layers: bool = False,
    progress: Progress = silent,
    notify: Notify = ignore,
) -> ModelFile:
    """Look at a model file.

    Args:
        model: The file, a SavedModel folder, or a reference.
        guard: How the worker is kept.
        external_data: Whether an ONNX file's numbers may be in files beside it.
        model_output: Name of the output to tell of; None for all.
        layers: Whether to load it, in another worker, and list the layers that heatmaps can be read
            at; not where the look finds anything.
        progress: Told how much of a reference's model has come.
        notify: Told what a reference stands for.

    Raises:
        AuditorError: It cannot be read, is no model file, or has no output of that name.
    """
    with Supervisor(guard) as workers:
        model_copy = take_in(
            model, workers, external_data=external_data, progress=progress, notify=notify
        )
        scratch = workers.scratch()
        job = {**model_copy.job(), "model_output": model_output}
        workers.run({"kind": "inspect", **job}, scratch, silent)
        found, heatmaps = exchange.load(Inspection, scratch), None
        if layers and not found.findings:
            loaded = workers.scratch()
            workers.run({"kind": "layers", "input_range": "0..1", **job}, loaded, silent)
            heatmaps = exchange.load(HeatmapLayers, loaded).layers
        return ModelFile(
            model_copy.given,
            model_copy.sha256,
            model_copy.bytes,
            found,
            exchange.load(Ports, scratch, "ports"),
            model_copy.origin,
            heatmaps,
        )

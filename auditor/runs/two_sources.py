"""Where the images come from that a repair, or its probes, use, and those that judge it."""

from typing import Any

from auditor.files.intake import ModelCopy
from auditor.measure.progress import Progress
from auditor.runs import Notify, sources
from auditor.runs.probe_request import ProbeRequest
from auditor.runs.repair_request import RepairRequest
from auditor.runs.shown_paths import shown_path
from auditor.worker.supervisor import Supervisor


def two_sources(
    request: RepairRequest | ProbeRequest,
    model_copy: ModelCopy,
    workers: Supervisor,
    progress: Progress,
    notify: Notify,
    use: str,
) -> tuple[dict[str, Any], str, str]:
    """Settle where images come from: the workers' job, and both sources' names.

    Args:
        request: What is asked for.
        model_copy: The model.
        workers: Keeps the workers.
        progress: Told how far it is.
        notify: Told which data the model's shape calls for.
        use: What the images that do not judge are used for, in words.
    """
    job: dict[str, Any] = {
        **model_copy.job(),
        "input_range": request.input_range,
        "model_output": request.model_output,
        "device": request.device,
        **sources.job(request.class_order, exif=request.exif),
    }
    data, evaluation = request.data, request.evaluation
    if data is None:
        data, evaluation = sources.for_repair(sources.by_shape(job, workers, progress), evaluation)
    data, job["data"] = sources.resolve(data, job, workers, progress, notify)
    data = data if request.full_paths else shown_path(data)
    if evaluation is None:
        job |= {"evaluation": job["data"]}
        job |= {"all_but": {"budget": request.budget, "seed": request.seed}}
        return job, data, f"{data} (without the images used {use})"
    evaluation, job["evaluation"] = sources.resolve(evaluation, job, workers, progress, notify)
    return job, data, evaluation

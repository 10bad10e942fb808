"""Where the images come from that a repair, or its probes, use, and those that judge it."""

from collections.abc import Mapping
from typing import Any

from auditor.data.class_order import ClassOrder
from auditor.figures.results import AuditResult
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


def judging(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the job of a worker that looks at the images that judge."""
    judged = {**job, "data": job["evaluation"]}
    if job["data"] != job["evaluation"]:
        judged["named_by"] = job["data"]  # where the images that judge have no names of classes
    return judged


def settled_order(audited: AuditResult, request: RepairRequest | ProbeRequest) -> dict[str, Any]:
    """Return what a job says of the order of classes: once settled, the same for all that follows.

    Nothing where the audit did not have to settle it.
    """
    if not audited.data.class_order:
        return {}
    order = ClassOrder(audited.data.class_names, audited.data.class_order)
    return sources.job(order, exif=request.exif)

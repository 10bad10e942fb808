"""A scan from end to end: one model, one or several triggers, a certificate for each."""

from dataclasses import dataclass

from auditor.errors import UsageError
from auditor.figures.policy import Limits, judge
from auditor.figures.values import MOST_AUDITS
from auditor.measure.options import Options
from auditor.measure.progress import Progress, silent
from auditor.records.audits import Audits, joined
from auditor.records.certificate import Certificate, certify
from auditor.runs import Notify, ignore, sources
from auditor.runs.audit import measured, provenance, warn_of_data, warn_of_gaps
from auditor.runs.model_source import take_in
from auditor.runs.request import Request
from auditor.triggers.base import Trigger
from auditor.worker.supervisor import Supervisor


@dataclass(frozen=True, kw_only=True)
class ScanRequest(Request):
    """What is asked for.

    Attributes:
        triggers: The triggers, at least one.
        options: How it is measured.
        limits: What the model must keep to.
    """

    triggers: tuple[Trigger, ...]
    options: Options = Options()
    limits: Limits = Limits()
    command: str = "auditor.runs.scan"


def scan(
    request: ScanRequest,
    *,
    progress: Progress = silent,
    notify: Notify = ignore,
    log: Notify | None = None,
) -> Certificate | Audits:
    """Audit a model in a worker, and bind what is found to the model file.

    Args:
        request: What is asked for.
        progress: Told how far it is.
        notify: Told what the user must know.
        log: Told what the worker wrote to its own log.

    Returns:
        A certificate; of several triggers, all of theirs.

    Raises:
        UsageError: There is no trigger, or there are more than 256.
        AuditorError: Anything else that keeps the audit from being finished.
    """
    if not request.triggers:
        raise UsageError("there is no trigger to scan for; give at least one")
    if len(request.triggers) > MOST_AUDITS:
        raise UsageError(
            f"{len(request.triggers)} triggers; one audit takes at most {MOST_AUDITS}: make several"
        )
    with Supervisor(request.guard, notify, log) as workers:
        model_copy = take_in(
            request.model,
            workers,
            external_data=request.external_data,
            progress=progress,
            notify=notify,
        )
        job = {
            **model_copy.job(),
            "input_range": request.input_range,
            "model_output": request.model_output,
            "device": request.device,
        }
        source, path = sources.resolve(request.data, job, workers, progress, notify)
        job |= {"data": path, **sources.job(request.class_order, exif=request.exif)}
        results = measured(job, request.triggers, request.options, workers, progress)
    warn_of_gaps(workers.confinement, notify)
    warn_of_data(results[0].data, notify)
    origin = provenance(model_copy, source, request.options.seed, request, workers)
    certificates = [
        certify(r, judge(r.measurement, request.limits, r.model.classes), origin) for r in results
    ]
    return certificates[0] if len(certificates) == 1 else joined(certificates)

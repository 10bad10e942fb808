"""What a repair starts from: where its images come from, and the model as it came, audited."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditor.figures.policy import judge
from auditor.figures.results import AuditResult, Rate
from auditor.figures.verdict import Verdict
from auditor.files.intake import ModelCopy
from auditor.measure.options import Options
from auditor.measure.progress import Progress
from auditor.records.certificate import Certificate, certify
from auditor.runs import Notify
from auditor.runs.audit import measured, provenance, warn_of_data, warn_of_gaps
from auditor.runs.repair_request import RepairRequest
from auditor.runs.two_sources import judging, settled_order, two_sources
from auditor.text import printable
from auditor.worker.supervisor import Supervisor


@dataclass(frozen=True)
class Start:
    """A model as it came; several repairs may start from the same one.

    Attributes:
        model_copy: The model file, as it was taken in.
        job: What every worker is told: the model, the images, the device.
        data: Name of the repair's images.
        before: The model's audit.
        certificate: The same, bound to the file, judged.
    """

    model_copy: ModelCopy
    job: Mapping[str, Any]
    data: str
    before: AuditResult
    certificate: Certificate

    @property
    def answers(self) -> bool:
        """Whether the model answers to the trigger, so that there is something to repair."""
        return answers(self.before, self.certificate.verdict)

    @property
    def unanswered(self) -> str:
        """What to say of a model that does not answer: no repair was tried."""
        inconclusive = self.certificate.verdict.status == "inconclusive"
        what = "could not be judged" if inconclusive else "needs no repair"
        shown = printable(self.certificate.subject.path)
        return f"{shown}: {what} under this trigger; no repair was tried"


def start(
    request: RepairRequest,
    model_copy: ModelCopy,
    workers: Supervisor,
    progress: Progress,
    notify: Notify,
) -> Start:
    """Settle where images come from, and audit the model as it came.

    Args:
        request: What is asked for.
        model_copy: The model file, as it was taken in.
        workers: Keeps the workers.
        progress: Told how far it is.
        notify: Told what the user must know.
    """
    job, data, evaluation = two_sources(
        request, model_copy, workers, progress, notify, "for the repair"
    )
    before = audit(job, request, request.audit, workers, progress)
    job |= settled_order(before, request)
    warn_of_gaps(workers.confinement, notify)
    warn_of_data(before.data, notify)
    verdict = judge(before.measurement, request.limits, before.model.classes)
    origin = provenance(model_copy, evaluation, request.audit.seed, request, workers)
    certificate = certify(before, verdict, origin)
    return Start(model_copy, job, data, before, certificate)


def audit(
    job: Mapping[str, Any],
    request: RepairRequest,
    options: Options,
    workers: Supervisor,
    progress: Progress,
) -> AuditResult:
    """Audit the model that a job names on the evaluation images."""
    return measured(judging(job), [request.trigger], options, workers, progress)[0]


def answers(before: AuditResult, verdict: Verdict) -> bool:
    """Whether a model answers to the trigger, by ASR or TAR.

    One that may be fragile only, as its placebos say, can be made to withstand the trigger as well.
    """
    if any(c.ok is False and c.metric in ("asr", "tar") for c in verdict.checks):
        return True
    asr, placebo = before.measurement.asr, before.measurement.placebo_rate
    limit = next(c.limit for c in verdict.checks if c.metric == "asr")
    return isinstance(placebo, Rate) and isinstance(asr, Rate) and asr.low > limit


def same_target(before: AuditResult) -> str | None:
    """Return a target that means the class of the audit before; None for the trigger's own rule."""
    target = before.target
    number = str(target.class_)
    if target.class_ is None:
        return None
    return target.name if number in before.data.class_names else number  # another's name, perhaps

"""What a repair starts from: where its images come from, and the model as it came, audited."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditor.certificate import Certificate
from auditor.cli import sources
from auditor.cli.progress import Progress, progress
from auditor.cli.repair_wanted import Repair
from auditor.cli.scan import certified, measured, warn_of_gaps
from auditor.intake import Taken
from auditor.measure.audit import Options
from auditor.policy import judge
from auditor.results import AuditResult, Rate
from auditor.supervisor import Supervisor
from auditor.verdict import Verdict


@dataclass(frozen=True)
class Start:
    """A model as it came; several repairs may start from the same one.

    Attributes:
        taken: The model file, as it was taken in.
        job: What every worker is told: the model, the images, the device.
        data: Name of the repair's images.
        before: The model's audit.
        certificate: The same, bound to the file, judged.
    """

    taken: Taken
    job: Mapping[str, Any]
    data: str
    before: AuditResult
    certificate: Certificate

    @property
    def answers(self) -> bool:
        """Whether the model answers to the trigger, so that there is something to repair."""
        return answers(self.before, self.certificate.verdict)


def start(wanted: Repair, taken: Taken, workers: Supervisor, *, show: bool, verbose: bool) -> Start:
    """Settle where images come from, and audit the model as it came.

    Args:
        wanted: What is asked for.
        taken: The model file, as it was taken in.
        workers: Keeps the workers.
        show: Whether to show progress.
        verbose: Also print the workers' own logs.
    """
    with progress(show=show) as tell:
        job, data, evaluation = _sources(wanted, taken, workers, tell)
        before = audit(job, wanted, wanted.how, workers, tell, verbose=verbose)
    warn_of_gaps(workers.confinement)
    verdict = judge(before.measurement, wanted.limits, before.model.classes)
    certificate = certified(before, verdict, taken, evaluation, wanted.how.seed, workers)
    return Start(taken, job, data, before, certificate)


def audit(
    job: Mapping[str, Any],
    wanted: Repair,
    how: Options,
    workers: Supervisor,
    tell: Progress,
    *,
    verbose: bool,
) -> AuditResult:
    """Audit the model that a job names on the evaluation images."""
    judged = {**job, "data": job["evaluation"]}
    return measured(judged, [wanted.trigger], how, workers, tell, verbose=verbose)[0]


def answers(before: AuditResult, verdict: Verdict) -> bool:
    """Whether a model answers to the trigger, by ASR or TAR.

    One that may be fragile only, as its placebos say, can be made to withstand the trigger as well.
    """
    if any(c.ok is False and c.metric in ("asr", "tar") for c in verdict.checks):
        return True
    asr, placebo = before.measurement.asr, before.measurement.placebo_rate
    limit = next(c.limit for c in verdict.checks if c.metric == "asr")
    return isinstance(placebo, Rate) and isinstance(asr, Rate) and asr.low > limit


def _sources(
    wanted: Repair, taken: Taken, workers: Supervisor, tell: Progress
) -> tuple[dict[str, Any], str, str]:
    """Settle where images come from: the workers' job, and both sources' names."""
    job: dict[str, Any] = {
        **taken.job(),
        "input_range": wanted.input_range,
        "device": wanted.device,
    }
    data, evaluation = wanted.data, wanted.evaluation
    if data is None:
        data, evaluation = sources.for_repair(sources.by_shape(job, workers, tell), evaluation)
    data, job["data"] = sources.resolve(data, job, workers, tell)
    if evaluation is None:
        job |= {"evaluation": job["data"]}
        job |= {"all_but": {"budget": wanted.budget, "seed": wanted.options.seed}}
        return job, data, f"{data} (without the images used for the repair)"
    evaluation, job["evaluation"] = sources.resolve(evaluation, job, workers, tell)
    return job, data, evaluation

"""The probes of a repaired model in a worker of their own, and what they add to its certificate."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from auditor.errors import AuditorError, InputError, Untrusted
from auditor.figures.policy import with_comebacks
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.files.codec import no_array, to_json
from auditor.files.intake import ModelCopy
from auditor.measure.progress import Progress
from auditor.probe.comebacks import comebacks
from auditor.probe.options import ProbeOptions
from auditor.probe.result import BeforeRepair, Reactivation
from auditor.records import consistency
from auditor.records.certificate import Certificate, with_reactivation
from auditor.runs import Notify
from auditor.runs.repair_request import RepairRequest
from auditor.runs.repair_start import Start
from auditor.text import printable
from auditor.triggers import build
from auditor.triggers.base import Trigger
from auditor.worker import exchange
from auditor.worker.supervisor import Supervisor

_NOT_ENDED = Skipped("the probes were interrupted before they ended")


def reactivated(
    job: Mapping[str, Any],
    before: ModelCopy,
    after: ModelCopy,
    trigger: Trigger,
    target: Target,
    options: ProbeOptions,
    workers: Supervisor,
    progress: Progress,
) -> Reactivation:
    """Have a worker try what brings a backdoor back.

    Args:
        job: Where images come from, which of them tune and judge, and the device; what it says of a
            model does not count.
        before: The model before the repair.
        after: The repaired one.
        trigger: The trigger.
        target: Where it led.
        options: How.
        workers: Keeps the worker.
        progress: Told how far it is.
    """
    scratch = workers.scratch()
    whole = {key: value for key, value in job.items() if key != "model_folder"} | {
        **after.job(),
        "kind": "reactivation",
        "before": before.job(),
        "target": to_json(target, no_array),
        "options": asdict(options),
        **build.job([trigger]),
    }
    if job["data"] != job["evaluation"]:
        whole["named_by"] = job["data"]
    workers.run(whole, scratch, progress)
    return exchange.load(Reactivation, scratch)


def unprobed(
    certificate: Certificate, limit: float | None, why: Skipped = _NOT_ENDED
) -> Certificate:
    """Return the certificate that holds where the probes end in nothing."""
    verdict = with_comebacks(certificate.verdict, comebacks(why), limit)
    return with_reactivation(certificate, why, verdict, BeforeRepair("", ""), "")


def bound(
    certificate: Certificate,
    found: Reactivation,
    limit: float | None,
    before: BeforeRepair,
    source: str,
) -> Certificate:
    """Bind what the probes found to the certificate of the model that they were about.

    Args:
        certificate: Of that model.
        found: What they found.
        limit: Highest excess over a control; None for none.
        before: The model file before the repair.
        source: The images that tuned, as the user gave them.

    Raises:
        Untrusted: It contradicts the certificate.
    """
    verdict = with_comebacks(certificate.verdict, comebacks(found), limit)
    whole = with_reactivation(certificate, found, verdict, before, source)
    try:
        consistency.check(whole)
    except InputError as error:
        raise Untrusted(f"the worker's result cannot be trusted: {error}") from error
    return whole


def probed(
    request: RepairRequest,
    started: Start,
    certificate: Certificate,
    workers: Supervisor,
    progress: Progress,
    notify: Notify,
) -> Certificate:
    """Probe a repaired model that has been written; what the probes fail of stands in their place.

    Args:
        request: What was asked for, `probes` among it.
        started: What the repair started from.
        certificate: Of the repair.
        workers: Keeps the worker.
        progress: Told how far it is.
        notify: Told why the probes failed.
    """
    assert request.probes is not None
    limit = request.limits.max_reactivation
    try:
        file = workers.copy(request.output, follow=False)
        if certificate.handed_back is None or file.sha256 != certificate.handed_back.sha256:
            raise InputError(f"{printable(str(request.output))}: has changed since it was written")
        budget = request.budget if "all_but" in started.job else request.options.clean_budget
        job = {
            **started.job,
            "of_these": {"budget": budget, "seed": request.seed},
            "limit": request.audit.limit,
            "seed": request.audit.seed,
        }
        target, options = started.before.target, request.probes
        found = reactivated(
            job, started.model_copy, file, request.trigger, target, options, workers, progress
        )
        subject = started.certificate.subject
        audited = started.certificate.measurements.before
        before = BeforeRepair(subject.path, subject.sha256, audited.asr, audited.clean_target_rate)
        return bound(certificate, found, limit, before, started.data)
    except AuditorError as error:
        notify(f"it was not found out whether the backdoor comes back: {error}")
        return unprobed(certificate, limit, Skipped(printable(str(error), 1000)))

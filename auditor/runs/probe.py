"""Probes from end to end: a repaired model audited, then tried whether its backdoor comes back."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auditor.errors import InputError
from auditor.figures.metrics import percent
from auditor.figures.policy import judge
from auditor.figures.results import AuditResult, Rate
from auditor.files.intake import ModelCopy
from auditor.measure.options import Options
from auditor.measure.progress import Progress, silent
from auditor.probe.result import BeforeRepair
from auditor.records.certificate import Certificate, certify
from auditor.runs import Notify, ignore
from auditor.runs.audit import measured, provenance, warn_of_data, warn_of_gaps
from auditor.runs.model_source import take_in
from auditor.runs.probe_request import ProbeRequest
from auditor.runs.reactivation import bound, reactivated
from auditor.runs.repair_start import same_target
from auditor.runs.shown_paths import shown_path
from auditor.runs.two_sources import judging, settled_order, two_sources
from auditor.text import printable
from auditor.worker.supervisor import Supervisor

_TO_INFER = 500
"""Images, at most, that tell where an unknown target lies."""


def probe(
    request: ProbeRequest,
    *,
    progress: Progress = silent,
    notify: Notify = ignore,
    log: Notify | None = None,
) -> Certificate:
    """Audit a repaired model in a worker, and try what brings its backdoor back.

    Args:
        request: What is asked for.
        progress: Told how far it is.
        notify: Told what the user must know.
        log: Told what the workers wrote to their own logs.

    Raises:
        InputError: The two models do not take the same images, tell other classes apart, or are one
            file.
        AuditorError: Anything else that keeps it from being finished.
    """
    with Supervisor(request.guard, notify, log) as workers:
        after, before = (
            take_in(
                model,
                workers,
                external_data=request.external_data,
                progress=progress,
                notify=notify,
            )
            for model in (request.model, request.before)
        )
        job, data, evaluation = two_sources(request, after, workers, progress, notify, "for tuning")
        images = _check_alike(before, after, job, workers, progress)
        if said := too_few(images, request, data, shared="all_but" in job):
            notify(said)
        audited = _audited(request, judging(job), before, after, workers, progress)
        job |= settled_order(audited, request)
        warn_of_gaps(workers.confinement, notify)
        warn_of_data(audited.data, notify)
        verdict = judge(audited.measurement, request.limits, audited.model.classes)
        origin = provenance(after, evaluation, request.audit.seed, request, workers)
        certificate = certify(audited, verdict, origin)
        job |= {"limit": request.audit.limit, "seed": request.audit.seed}
        job["of_these"] = job.get("all_but", {"budget": None, "seed": request.seed})
        target, options = audited.target, request.probes
        found = reactivated(job, before, after, request.trigger, target, options, workers, progress)
    path = before.given
    if not request.full_paths and before.origin is None:
        path = shown_path(path)
    original = BeforeRepair(path, before.sha256)
    return bound(certificate, found, request.limits.max_reactivation, original, data)


def _check_alike(
    before: ModelCopy,
    after: ModelCopy,
    job: Mapping[str, Any],
    workers: Supervisor,
    progress: Progress,
) -> int:
    """Refuse what cannot be a model and its repair; return how many images may tune and judge.

    Raises:
        InputError: They are one file, or are of different input or classes.
    """
    names = [printable(one.given) for one in (before, after)]
    if before.sha256 == after.sha256:
        raise InputError(f"{names[0]} and {names[1]} are the same; give a model and its repair")
    told, images = [], 0
    for name, copy in zip(names, (before, after), strict=True):
        one = {k: v for k, v in job.items() if k != "model_folder"} | copy.job()
        wanted = {**one, "kind": "describe", "counts": copy is after}
        facts = workers.run(wanted, workers.scratch(), progress)
        images = facts.get("images", images)
        shape = "×".join(map(str, facts.get("input_shape", ())))
        told.append((name, f"{shape} with {facts.get('classes')} classes"))
    if told[0][1] != told[1][1]:
        said = " and ".join(f"{name} is {what}" for name, what in told)
        raise InputError(f"{printable(said, 400)}; give a model and its repair")
    return images if isinstance(images, int) else 0


def too_few(images: int, request: ProbeRequest, data: str, *, shared: bool) -> str:
    """Return that too few images are there to tune with; empty where they are enough.

    Args:
        images: Of the source that tunes.
        request: What is asked for.
        data: Name of that source.
        shared: Whether the rest of it judges.
    """
    needed = request.probes.needed
    aside = round(request.budget * images) if shared else images
    if aside >= needed:
        return ""
    give = f"--eval-data, or {math.ceil(needed / request.budget):,} images" if shared else "more"
    return (
        f"{printable(data)}: the probes tune with {needed:,} images, and of its {images:,} only "
        f"{aside:,} are set aside for that, so nothing will be tuned; give {give}"
    )


def _audited(
    request: ProbeRequest,
    judged: Mapping[str, Any],
    before: ModelCopy,
    after: ModelCopy,
    workers: Supervisor,
    progress: Progress,
) -> AuditResult:
    """Audit the repaired model under the target of the one before.

    Where nobody named it, the model before the repair tells: the repaired one leads nowhere.
    """
    options, one = request.audit, [request.trigger]
    inferred, own = None, None
    if options.target == "auto" or (options.target is None and request.trigger.target is None):
        few = min(options.limit or _TO_INFER, _TO_INFER)
        earlier = {k: v for k, v in judged.items() if k != "model_folder"} | before.job()
        sample = Options(
            target=options.target, limit=few, batch_size=options.batch_size, seed=options.seed
        )
        inferred, own = (
            measured(job, one, sample, workers, progress)[0] for job in (earlier, judged)
        )
        options = replace(options, target=same_target(inferred))
    audited = measured(judged, one, options, workers, progress)[0]
    if own:
        check_same_target(own, audited, printable(before.given), printable(after.given))
    return replace(audited, target=inferred.target) if inferred else audited


def check_same_target(own: AuditResult, audited: AuditResult, before: str, after: str) -> None:
    """Refuse a target that a model was told where the trigger leads it to another one.

    Args:
        own: The repaired model, its target inferred from itself.
        audited: The same, under the target of the one before.
        before: The other's name.
        after: Its own.

    Raises:
        InputError: The trigger does.
    """
    asr, bare, here = (
        own.measurement.asr,
        own.measurement.clean_target_rate,
        audited.measurement.asr,
    )
    if own.target.class_ in (None, audited.target.class_):
        return
    if not (isinstance(asr, Rate) and isinstance(bare, Rate) and isinstance(here, Rate)):
        return
    if asr.low > max(bare.high, here.high):
        ours, theirs = (printable(one.target.name, 60) for one in (own, audited))
        raise InputError(
            f"under the trigger {after} takes {percent(asr.value)} of images for {ours} and "
            f"{percent(here.value)} for {theirs}, which was inferred from {before}; name the "
            "trigger's class with --target"
        )

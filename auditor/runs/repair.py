"""A repair from end to end: measured, trained under the eyes of whoever watches, measured again.

Every step that touches a model is a worker's: the audit before, the training, the audit of the file
that is handed back. This process only watches, judges and binds.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from auditor.errors import InputError, Interrupted, Untrusted, WorkError
from auditor.figures import metrics
from auditor.figures.policy import judge
from auditor.figures.results import AuditResult, Rate
from auditor.files.codec import no_array, to_json
from auditor.files.intake import ModelCopy
from auditor.measure.progress import Progress, silent
from auditor.monitor import tensorboard
from auditor.records import consistency
from auditor.records.canonical import canonical
from auditor.records.certificate import Certificate, Output, with_repair
from auditor.repair.observer import Observer
from auditor.repair.result import RepairResult
from auditor.runs import Notify, folder, ignore
from auditor.runs.model_source import take_in
from auditor.runs.reactivation import probed, unprobed
from auditor.runs.repair_folder import RepairFolder
from auditor.runs.repair_request import RepairRequest
from auditor.runs.repair_start import Start, audit, same_target, start
from auditor.runs.shown_paths import shown_path
from auditor.text import printable
from auditor.triggers import build
from auditor.worker import exchange
from auditor.worker.relay import Listener
from auditor.worker.supervisor import Supervisor

_NO_BETTER = (
    "Epoch {} served best on the validation images, but on the evaluation images the attack "
    "success rate is no lower than before."
)

Contents = dict[Path, bytes]


def repair(
    request: RepairRequest,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress = silent,
    notify: Notify = ignore,
    log: Notify | None = None,
    observers: Sequence[Observer] = (),
    keep: Callable[[Certificate, Contents], None] = lambda certificate, contents: None,
) -> tuple[Certificate, Contents]:
    """Repair a model, and try whether its backdoor comes back where that is asked for.

    Args:
        request: What is asked for.
        resume: Go on with the run in `run_dir`.
        force: Start over where there is one.
        progress: Told how far it is, but for the training.
        notify: Told what the user must know.
        log: Told what the workers wrote to their own logs.
        observers: Told how the training goes.
        keep: Writes what is returned otherwise, before the model is probed: so an interruption
            leaves it.

    Returns:
        The certificate, and the files to write: the repaired model, where there is one, and the
        run folder's `audit.json`.

    Raises:
        Interrupted: It can be resumed; or the probes were interrupted, and the rest stands.
        AuditorError: Anything else that keeps it from being finished.
    """
    with Supervisor(request.guard, notify, log) as workers:
        model_copy = take_in(
            request.model,
            workers,
            external_data=request.external_data,
            progress=progress,
            notify=notify,
            resumed=request.run_dir if resume else None,
        )
        identity = request.identity(model_copy)
        with folder.hold(
            RepairFolder, request.run_dir, identity, resume=resume, force=force
        ) as run:
            with folder.resumable(run):
                started = start(request, model_copy, workers, progress, notify)
                if not started.answers:
                    notify(started.unanswered)
                    return started.certificate, {}
                certificate, contents = repaired(
                    request, started, run, workers, progress, observers, resume=resume
                )
                if request.probes is None or certificate.handed_back is None:
                    return certificate, contents
                certificate = unprobed(certificate, request.limits.max_reactivation)
                record = run.path / "audit.json"
                keep(certificate, {**contents, record: canonical(certificate)})
            run.finish("finished")
            with _standing(request):
                certificate = probed(request, started, certificate, workers, progress, notify)
            return certificate, {record: canonical(certificate)}


@contextmanager
def _standing(request: RepairRequest) -> Iterator[None]:
    """Say of probes that are interrupted that the repair itself stands.

    Raises:
        Interrupted: They were.
    """
    model, shown = printable(str(request.model)), printable(str(request.output))
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; {shown} and its certificate stand, without the probes: "
            f"'bdaudit probe {model} {shown}' makes up for them"
        ) from None


def repaired(
    request: RepairRequest,
    started: Start,
    run: RepairFolder,
    workers: Supervisor,
    progress: Progress,
    observers: Sequence[Observer],
    *,
    resume: bool,
) -> tuple[Certificate, Contents]:
    """Repair a model that has been audited as it came.

    Args:
        request: What is asked for.
        started: What it starts from.
        run: The run's folder.
        workers: Keeps the workers.
        progress: Told how far it is, but for the training.
        observers: Told how the training goes.
        resume: Go on from the folder's checkpoint.

    Returns:
        The certificate, and the files to write: the repaired model, where there is one, and the
        run folder's `audit.json`.
    """
    before, scratch = started.before, workers.scratch()
    watching = [run, *_tensorboard(run), *observers]
    result = _train(request, started, run, scratch, workers, progress, watching, resume=resume)
    after, file = _after(request, started, result, scratch, workers, progress)
    verdict = started.certificate.verdict
    if after is None and result.kept is not None:
        result = replace(result, kept=None, reason=_NO_BETTER.format(result.kept))
    if after is not None:
        drop = metrics.paired_drop(before.correct, after.correct)
        near = after.evidence.neighbours
        verdict = judge(
            after.measurement, request.limits, after.model.classes, drop, neighbours=near
        )
    written = str(request.output) if request.full_paths else shown_path(request.output)
    output = Output(written, file.sha256, file.bytes) if file else None
    certificate = with_repair(
        started.certificate, before, result, after, output, verdict, started.data
    )
    try:
        consistency.check(certificate)  # each result has been looked at; now both together
    except InputError as error:
        raise Untrusted(f"the workers' results cannot be trusted: {error}") from error
    contents = {run.path / "audit.json": canonical(certificate)}
    if file:
        contents[request.output] = file.copy.read_bytes()
    return certificate, contents


def _tensorboard(run: RepairFolder) -> list[Observer]:
    """Return TensorBoard's observer, where that is installed."""
    if not tensorboard.available():
        return []
    return [tensorboard.TensorBoard(run.path / "tensorboard")]


def _train(
    request: RepairRequest,
    started: Start,
    run: RepairFolder,
    scratch: Path,
    workers: Supervisor,
    progress: Progress,
    observers: Sequence[Observer],
    *,
    resume: bool,
) -> RepairResult:
    """Have a worker train, and pass on what it tells."""
    options, before = request.options, started.before
    if "all_but" in started.job:  # the same draw as the evaluation leaves out
        options = replace(options, clean_budget=request.budget)
    job = {
        **started.job,
        "kind": "repair",
        **build.job([request.trigger]),
        "target": to_json(before.target, no_array),
        "layer": _layer(before) or request.audit.layer,
        "object_region": request.audit.object_region,
        "limit": request.audit.limit,
        "seed": request.audit.seed,
        "max_asr": request.limits.max_asr,
        "max_tar": request.limits.max_tar,
        "options": asdict(options),
        "checkpoints": str(run.checkpoints.absolute()),
        "identity": request.identity(started.model_copy),
        "resume": resume,
        "repaired": _name_in(scratch, request).name,
    }
    with Listener(observers, scratch, before.model.classes) as listener:
        workers.run(job, scratch, progress, listener)
    if listener.plan is None:
        raise WorkError("the worker did not say what it would do")
    return exchange.load(RepairResult, scratch, plan=listener.plan)


def _after(
    request: RepairRequest,
    started: Start,
    result: RepairResult,
    scratch: Path,
    workers: Supervisor,
    progress: Progress,
) -> tuple[AuditResult | None, ModelCopy | None]:
    """Audit the very file that will be handed back; None where it is no better."""
    if result.kept is None:
        return None, None
    before = started.before
    file = workers.copy(_name_in(scratch, request), follow=False)
    options = replace(request.audit, target=same_target(before), shown=before.shown)
    if request.output.suffix.lower() != ".onnx" or before.model.format not in ("keras", "h5"):
        options = replace(options, layer=_layer(before) or options.layer)
    told = {key: value for key, value in started.job.items() if key != "model_folder"}
    told |= {"model": str(file.copy), "name": request.output.name}
    after = audit(told, request, options, workers, progress)
    if after.data != before.data:
        raise InputError(
            f"{printable(before.data.source)}: has changed while the model was repaired; "
            "run again with --resume"
        )
    was, is_ = before.measurement.asr, after.measurement.asr
    if not (isinstance(was, Rate) and isinstance(is_, Rate) and is_.value < was.value):
        return None, None
    return after, file


def _name_in(scratch: Path, request: RepairRequest) -> Path:
    """Return where the worker leaves the repaired model."""
    return scratch / f"repaired{request.output.suffix.lower()}"


def _layer(before: AuditResult) -> str | None:
    """Return the layer that was chosen in place of the last one: all that follows is read there."""
    layer = before.attention.layer
    return layer if before.attention.instead_of and isinstance(layer, str) else None

"""`bdaudit scan`: audit one model under one trigger."""

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from auditor import handoff
from auditor.certificate import Certificate, certify, now
from auditor.cli import files, options, sources, summary
from auditor.cli.progress import Progress, progress
from auditor.intake import Taken
from auditor.measure.audit import Options
from auditor.models.input_range import InputRange
from auditor.policy import Limits, judge
from auditor.report import FORMATS, ready, render
from auditor.results import AuditResult, Verdict
from auditor.sandbox import Confinement
from auditor.supervisor import Guard, Supervisor
from auditor.triggers import spec
from auditor.triggers.base import Trigger

EXIT = {"pass": 0, "fail": 1, "inconclusive": 4}


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.trigger
@options.option(
    "--data",
    metavar="SOURCE",
    help="Labelled images: a folder of class folders, an .npz "
    "file (x, y), or a keras.datasets name such as cifar10. Default: by the model's shape.",
)
@options.external_data
@options.looking
@options.limit("Use at most N images, drawn class by class.")
@options.batch_size(Options.batch_size, "Images a step.")
@options.seed("Seed of the draw and of the bootstrap.")
@options.limits
@options.certificates("-o", "--output")
@options.printing
@options.guarding
@options.talking
def command(model: Path, trigger: str, **flags: Any) -> int:
    """Audit MODEL, an image classifier, for the backdoor that a trigger would open.

    MODEL is a .keras, .h5, .onnx or .tflite file, or a SavedModel folder.

    Measures how often stamped images turn to the target class (ASR), how much of the network's
    attention sits on the trigger (TAR), and what the model does without it.
    """
    inputs = [model, *map(Path, (trigger.partition("#")[0], flags["data"] or model))]
    files.check_outputs(flags["output"], list(FORMATS), inputs, force=flags["force"])
    stamp = spec.load(trigger)
    InputRange.parse(flags["input_range"])
    how = Options(
        target=flags["target"],
        layer=flags["layer"],
        object_region=sources.absolute_region(flags["object_region"]),
        limit=flags["limit"],
        batch_size=flags["batch_size"],
        seed=flags["seed"],
    )
    now()
    for path in flags["output"]:
        ready(format_of(path))
    limits = Limits(
        max_asr=flags["max_asr"], max_tar=flags["max_tar"], min_accuracy=flags["min_accuracy"]
    )
    with progress(show=not (flags["quiet"] or flags["no_progress"])) as tell:
        certificate = scan(
            model,
            stamp,
            how,
            limits,
            tell,
            data=flags["data"],
            input_range=flags["input_range"],
            guard=options.guard(flags),
            verbose=flags["verbose"],
            external_data=flags["allow_external_data"],
        )
        files.write({path: render(certificate, format_of(path)) for path in flags["output"]})
    if flags["format_"]:
        sys.stdout.buffer.write(render(certificate, flags["format_"]))
    elif not flags["quiet"]:
        summary.show(certificate)
    return 0 if flags["exit_zero"] else EXIT[certificate.verdict.status]


def scan(
    model: Path,
    trigger: Trigger,
    how: Options,
    limits: Limits,
    tell: Progress,
    *,
    data: str | None,
    guard: Guard,
    input_range: str = "0..1",
    verbose: bool = False,
    external_data: bool = False,
) -> Certificate:
    """Run the audit in a worker and bind what it found to the model file.

    Args:
        model: The model file.
        trigger: The trigger.
        how: How it is measured.
        limits: What the model must keep to.
        tell: Told how far it is.
        data: Where the images are; None to go by the model's shape.
        input_range: As `--input-range`.
        guard: How the workers are kept.
        verbose: Also print the worker's own log.
        external_data: Whether an ONNX file's numbers may be in files beside it.

    Raises:
        AuditorError: Anything that keeps the audit from being finished.
    """
    with Supervisor(guard) as workers:
        taken = workers.take(model, external_data=external_data)
        job = {**taken.job(), "input_range": input_range}
        source, path = sources.resolve(data, job, workers, tell)
        result = measured({**job, "data": path}, trigger, how, workers, tell, verbose=verbose)
    verdict = judge(result.measurement, limits, result.model.classes)
    return certified(result, verdict, taken, source, how.seed, workers.confinement)


def measured(
    job: dict[str, Any],
    trigger: Trigger,
    how: Options,
    workers: Supervisor,
    tell: Progress,
    *,
    verbose: bool,
) -> AuditResult:
    """Audit a model in a worker.

    Args:
        job: Names the model and the images: `model`, `name`, `input_range`, `data`.
        trigger: The trigger.
        how: How it is measured.
        workers: Keeps the worker.
        tell: Told how far it is.
        verbose: Also print the worker's own log.
    """
    job = {**job, "kind": "scan", "trigger": spec.fields(trigger), "options": asdict(how)}
    room = workers.room()
    try:
        workers.run(job, room, tell)
    finally:
        if verbose:
            click.echo(workers.log_tail(), err=True)
    return handoff.load(AuditResult, room)


def certified(
    result: AuditResult,
    verdict: Verdict,
    taken: Taken,
    source: str,
    seed: int,
    confinement: Confinement,
) -> Certificate:
    """Bind a result to the file that was taken in; say what the sandbox lacked."""
    if confinement.lacking and not confinement.off:
        click.echo(f"bdaudit: the sandbox is not whole: {confinement.lacking}", err=True)
    return certify(
        result,
        verdict,
        path=str(taken.path),
        sha256=taken.sha256,
        size=taken.bytes,
        source=source,
        seed=seed,
        command=shlex.join(["bdaudit", *sys.argv[1:]]),
        sandbox=str(confinement),
    )


def format_of(path: Path) -> str:
    """Return the format that a file's suffix asks for."""
    return path.suffix.lower().removeprefix(".")

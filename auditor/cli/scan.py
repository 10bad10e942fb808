"""`bdaudit scan`: audit one model under one trigger."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from auditor import handoff
from auditor.audits import Audits, joined
from auditor.certificate import Certificate, certify, now
from auditor.cli import files, options, sources, summary
from auditor.cli.progress import Progress, progress, say
from auditor.errors import WorkError
from auditor.intake import Taken
from auditor.measure.audit import Options
from auditor.models.input_range import InputRange
from auditor.policy import Limits, judge
from auditor.report import FORMATS, ready, render
from auditor.results import AuditResult, AuditResults
from auditor.sandbox import Confinement
from auditor.supervisor import Guard, Supervisor
from auditor.triggers import spec
from auditor.triggers.base import Trigger
from auditor.verdict import Verdict

EXIT = {"pass": 0, "fail": 1, "inconclusive": 4}


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.trigger("Repeatable: all are tried in one run, with one certificate.")
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
@options.device("")
@options.limits
@options.certificates("-o", "--output")
@options.printing
@options.guarding
@options.talking
def command(model: Path, trigger: tuple[str, ...], **flags: Any) -> int:
    """Audit MODEL, an image classifier, for the backdoor that a trigger would open.

    MODEL is a .keras, .h5, .onnx or .tflite file, or a SavedModel folder.

    Measures how often stamped images turn to the target class (ASR), how much of the network's
    attention sits on the trigger (TAR), and what the model does without it.
    """
    inputs = [model, *map(Path, (*(t.partition("#")[0] for t in trigger), flags["data"] or model))]
    files.check_outputs(flags["output"], list(FORMATS), inputs, force=flags["force"])
    triggers = spec.load_each(trigger)
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
        ready(files.format_of(path, FORMATS))
    limits = Limits(
        max_asr=flags["max_asr"], max_tar=flags["max_tar"], min_accuracy=flags["min_accuracy"]
    )
    with progress(show=not (flags["quiet"] or flags["no_progress"])) as tell:
        audited = scan(
            model,
            triggers,
            how,
            limits,
            tell,
            data=flags["data"],
            input_range=flags["input_range"],
            device=flags["device"],
            guard=options.guard(flags),
            verbose=flags["verbose"],
            external_data=flags["allow_external_data"],
        )
        files.write(
            {path: render(audited, files.format_of(path, FORMATS)) for path in flags["output"]}
        )
    if flags["format_"]:
        sys.stdout.buffer.write(render(audited, flags["format_"]))
    elif not flags["quiet"]:
        summary.show(audited)
    return 0 if flags["exit_zero"] else EXIT[audited.verdict.status]


def scan(
    model: Path,
    triggers: Sequence[Trigger],
    how: Options,
    limits: Limits,
    tell: Progress,
    *,
    data: str | None,
    guard: Guard,
    input_range: str = "0..1",
    device: str = "auto",
    verbose: bool = False,
    external_data: bool = False,
) -> Certificate | Audits:
    """Run the audit in a worker and bind what it found to the model file.

    Args:
        model: The model file.
        triggers: The triggers, at least one.
        how: How it is measured.
        limits: What the model must keep to.
        tell: Told how far it is.
        data: Where the images are; None to go by the model's shape.
        input_range: As `--input-range`.
        guard: How the workers are kept.
        device: `auto`, `cpu` or `gpu`.
        verbose: Also print the worker's own log.
        external_data: Whether an ONNX file's numbers may be in files beside it.

    Returns:
        A certificate; of several triggers, all of theirs.

    Raises:
        AuditorError: Anything that keeps the audit from being finished.
    """
    with Supervisor(guard, say) as workers:
        taken = workers.take(model, external_data=external_data)
        job = {**taken.job(), "input_range": input_range, "device": device}
        source, path = sources.resolve(data, job, workers, tell)
        results = measured({**job, "data": path}, triggers, how, workers, tell, verbose=verbose)
    warn_of_gaps(workers.confinement)
    certificates = [
        certified(
            result,
            judge(result.measurement, limits, result.model.classes),
            taken,
            source,
            how.seed,
            workers,
        )
        for result in results
    ]
    return certificates[0] if len(certificates) == 1 else joined(certificates)


def measured(
    job: dict[str, Any],
    triggers: Sequence[Trigger],
    how: Options,
    workers: Supervisor,
    tell: Progress,
    *,
    verbose: bool,
) -> tuple[AuditResult, ...]:
    """Audit a model in a worker.

    Args:
        job: Names the model, the images and the device: `model`, `name`, `input_range`, `data`,
            `device`.
        triggers: The triggers.
        how: How it is measured.
        workers: Keeps the worker.
        tell: Told how far it is.
        verbose: Also print the worker's own log.
    """
    job = {**job, "kind": "scan", "options": asdict(how), **spec.job(triggers)}
    room = workers.room()
    try:
        workers.run(job, room, tell)
    finally:
        if verbose:
            click.echo(workers.log_tail(), err=True)
    audits = handoff.load(AuditResults, room).audits
    if len(audits) != len(triggers):
        raise WorkError(f"the worker audited {len(audits)} triggers of {len(triggers)}")
    return audits


def certified(
    result: AuditResult,
    verdict: Verdict,
    taken: Taken,
    source: str,
    seed: int,
    workers: Supervisor,
) -> Certificate:
    """Bind a result to the file that was taken in, and to how the worker was kept."""
    return certify(
        result,
        verdict,
        path=str(taken.path),
        sha256=taken.sha256,
        size=taken.bytes,
        source=source,
        seed=seed,
        command=shlex.join(["bdaudit", *sys.argv[1:]]),
        sandbox=str(workers.confinement),
        unused_gpu=workers.device.unused,
    )


def warn_of_gaps(confinement: Confinement) -> None:
    """Say what the sandbox lacked."""
    if confinement.lacking and not confinement.off:
        click.echo(f"bdaudit: the sandbox is not whole: {confinement.lacking}", err=True)

"""`bdaudit scan`: audit one model under one trigger."""

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from auditor import handoff, supervisor
from auditor.certificate import Certificate, certify, now
from auditor.cli import files, options, sources, summary
from auditor.cli.progress import Progress, progress
from auditor.measure.audit import Options
from auditor.models.input_range import InputRange
from auditor.policy import Limits, judge
from auditor.report import FORMATS, ready, render
from auditor.triggers import spec
from auditor.triggers.base import Trigger

EXIT = {"pass": 0, "fail": 1, "inconclusive": 4}
SANDBOX = "a process of its own with an empty environment, not confined by the kernel"


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.option(
    "--trigger",
    required=True,
    metavar="SPEC",
    help="Trigger: a built-in name "
    "(square4, grid3; see 'bdaudit triggers list') or a .yaml or .json file.",
)
@options.measuring
@options.limits
@options.outputs
@options.talking
def command(model: Path, trigger: str, **flags: Any) -> int:
    """Audit MODEL, a .keras or .h5 image classifier, for the backdoor that a trigger would open.

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
        ready(_format(path))
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
            verbose=flags["verbose"],
        )
        files.write({path: render(certificate, _format(path)) for path in flags["output"]})
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
    input_range: str = "0..1",
    verbose: bool = False,
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
        verbose: Also print the worker's own log.

    Raises:
        AuditorError: Anything that keeps the audit from being finished.
    """
    with supervisor.scratch() as folder:
        taken = supervisor.take(model, folder)
        job: dict[str, Any] = {
            "model": str(taken.copy),
            "name": model.name,
            "input_range": input_range,
        }
        source, path = sources.resolve(data, job, folder, tell)
        job |= {
            "kind": "scan",
            "data": path,
            "trigger": spec.fields(trigger),
            "options": asdict(how),
        }
        try:
            document = supervisor.run(job, folder, tell)
        finally:
            if verbose:
                click.echo(supervisor.log_tail(folder), err=True)
        result = handoff.load(document, folder)
    verdict = judge(result.measurement, limits, result.model.classes)
    return certify(
        result,
        verdict,
        path=str(model),
        sha256=taken.sha256,
        size=taken.bytes,
        source=source,
        seed=how.seed,
        command=shlex.join(["bdaudit", *sys.argv[1:]]),
        sandbox=SANDBOX,
    )


def _format(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")

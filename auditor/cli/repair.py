"""`bdaudit repair`: make a model forget a trigger, watched live, certified before and after."""

import sys
from pathlib import Path
from typing import Any

import click

from auditor.certificate import now
from auditor.cli import files, options, repair_flags, repair_search, sources, summary
from auditor.cli.repair_run import repair
from auditor.cli.repair_wanted import Repair
from auditor.cli.scan import EXIT
from auditor.errors import WorkError
from auditor.models.form import check_form
from auditor.models.input_range import InputRange
from auditor.monitor import run_record
from auditor.report import FORMATS, ready, render

MODEL_SUFFIXES = ("keras", "h5", "onnx")
GRAPH_SUFFIXES = (".onnx", ".tflite")


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.trigger("A repair takes one; 'search' where nobody knows it: it is searched for first.")
@options.option(
    "--data",
    metavar="SOURCE",
    help="Clean labelled images to repair with, as for scan; a keras.datasets name means its "
    "training images. Default: by the model's shape.",
)
@options.option(
    "--eval-data",
    metavar="SOURCE",
    help="Labelled images to certify the repair on. Default: the test images of a keras.datasets "
    "name, else what --clean-budget leaves of --data (half of it unless given).",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="REPAIRED",
    help="Repaired model to write: .keras, .h5 or .onnx. An ONNX graph, a SavedModel and a .tflite "
    "model are handed back as .onnx.",
)
@options.certificates("-o", "--certificate")
@options.external_data
@options.looking
@repair_flags.flags
@options.limit("Certify on at most N evaluation images, drawn class by class.")
@repair_flags.batch_size
@options.seed("Seed of every draw, split and shuffle.")
@options.limits
@repair_flags.max_accuracy_drop(repair_flags.KEPT)
@options.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the run: figures, heatmaps, run.html, checkpoints. "
    "Default: REPAIRED with the suffix .run.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --run-dir.")
@options.printing
@options.guarding
@options.talking
def command(model: Path, trigger: tuple[str, ...], output: Path, **flags: Any) -> int:
    """Repair MODEL: make it forget a trigger, and prove what that did.

    Measures the model, trains it with the method of --method while every epoch's figures and
    heatmaps can be watched, keeps the best epoch, and measures the file handed back. A repair that
    does not help hands back nothing and exits 1. MODEL is never written to.
    """
    data = sources.for_repair(flags["data"], flags["eval_data"])
    inputs = [model, *(Path(p) for p in (*(t.partition("#")[0] for t in trigger), *data) if p)]
    files.check_outputs([output], MODEL_SUFFIXES, inputs, force=flags["force"])
    if model.is_dir() or model.suffix.lower() in GRAPH_SUFFIXES:
        check_form("graph", output.suffix.lower())
    files.check_outputs(flags["certificate"], list(FORMATS), inputs, force=flags["force"])
    for path in flags["certificate"]:
        ready(files.format_of(path, FORMATS))
    now()
    InputRange.parse(flags["input_range"])
    how, common = repair_flags.options(flags), repair_flags.common(flags)
    if searched := trigger == (repair_search.UNKNOWN,):
        found = repair_search.trigger_file(output)
        files.check_outputs([found], ["yaml"], inputs, force=flags["force"] or flags["resume"])
        sought = repair_search.sought(model, output, data[0], flags)
        if sought.trigger is None:
            return 0 if flags["exit_zero"] else EXIT[sought.status]
        forgotten = sought.trigger
    else:
        forgotten = repair_flags.one(trigger)
    run_dir = flags["run_dir"] or output.with_suffix(".run")
    wanted = Repair(
        model=model,
        output=output,
        run_dir=run_dir,
        trigger=forgotten,
        data=data[0],
        evaluation=data[1],
        options=how,
        **common,
    )
    begun = not searched or (run_dir / run_record.NAME).exists()  # it may have stopped before
    certificate, contents = repair(
        wanted,
        resume=flags["resume"] and begun,
        force=flags["force"],
        show=not (flags["quiet"] or flags["no_progress"]),
        verbose=flags["verbose"],
    )
    rendered = {
        path: render(certificate, files.format_of(path, FORMATS)) for path in flags["certificate"]
    }
    _write(contents, rendered)
    if flags["format_"]:
        sys.stdout.buffer.write(render(certificate, flags["format_"]))
    elif not flags["quiet"]:
        summary.show(certificate)
    return 0 if flags["exit_zero"] else EXIT[certificate.verdict.status]


def _write(contents: dict[Path, bytes], rendered: dict[Path, bytes]) -> None:
    try:
        files.write({**contents, **rendered})
    except WorkError as error:
        if not contents:
            raise
        raise WorkError(f"{error}; mend that, then finish with --resume") from error

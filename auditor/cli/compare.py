"""`bdaudit compare`: every repair method side by side on one model."""

import sys
from pathlib import Path
from typing import Any

import click

from auditor.certificate import now
from auditor.cli import compare_flags, compare_summary, files, options, repair_flags, sources
from auditor.cli.compare_run import Telling, compare
from auditor.cli.repair_wanted import Repair
from auditor.cli.scan import EXIT
from auditor.models.input_range import InputRange
from auditor.report.comparison import FORMATS, ready, render

_KERAS = (".keras", ".h5")


@click.command(
    epilog="Exit codes: 0 the model of at least one repair keeps every limit · 1 none does · 2 "
    "wrong command line · 3 an input was refused or the work failed · 4 inconclusive · 130 "
    "interrupted. A repair that fails is a row that says why, and stops no other."
)
@click.argument("model", type=click.Path(path_type=Path))
@options.trigger("A comparison takes one.")
@options.option(
    "--data",
    metavar="SOURCE",
    help="Clean labelled images to repair with, as for repair. Default: by the model's shape.",
)
@options.option(
    "--eval-data",
    metavar="SOURCE",
    help="Labelled images that all are judged on. Default: the test images of a keras.datasets "
    "name, else what --clean-budget leaves of --data (half of it unless given).",
)
@click.option(
    "--run-dir",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the comparison: comparison.json, and for each repair its run directory with "
    "the repaired model.",
)
@click.option("--resume", is_flag=True, help="Go on with the comparison in --run-dir.")
@options.certificates("-o", "--output", formats=FORMATS, what="the comparison")
@options.external_data
@options.looking
@compare_flags.flags
@options.limit("Judge on at most N evaluation images, drawn class by class.")
@repair_flags.batch_size
@options.seed("Seed of every draw, split and shuffle.")
@options.limits
@repair_flags.max_accuracy_drop(repair_flags.KEPT)
@options.printed_as(FORMATS, "the comparison")
@options.force
@options.guarding
@options.talking
def command(model: Path, trigger: tuple[str, ...], run_dir: Path, **flags: Any) -> int:
    """Repair MODEL in several ways, and set what comes of it side by side.

    Every repair starts from the same audit and has the same clean images, seed and evaluation
    images. The best is the one that has forgotten the trigger (lower bound of ASR at most the clean
    target rate and half a point) with the highest sum of accuracy with and without it. MODEL is
    never written to.
    """
    ways = compare_flags.ways(flags)
    data = sources.for_repair(flags["data"], flags["eval_data"])
    inputs = [model, *(Path(p) for p in (*(t.partition("#")[0] for t in trigger), *data) if p)]
    files.check_outputs(flags["output"], list(FORMATS), inputs, force=flags["force"])
    for path in flags["output"]:
        ready(files.format_of(path, FORMATS))
    now()
    InputRange.parse(flags["input_range"])
    suffix = model.suffix.lower() if model.suffix.lower() in _KERAS else ".onnx"
    one, common = repair_flags.one(trigger), repair_flags.common(flags)
    wanted = {
        name: Repair(
            model=model,
            output=run_dir / name / f"repaired{suffix}",
            run_dir=run_dir / name,
            trigger=one,
            data=data[0],
            evaluation=data[1],
            options=own,
            **common,
        )
        for name, own in ways.items()
    }
    telling = Telling(not (flags["quiet"] or flags["no_progress"]), flags["verbose"])
    found = compare(wanted, run_dir, resume=flags["resume"], force=flags["force"], telling=telling)
    files.write({path: render(found, files.format_of(path, FORMATS)) for path in flags["output"]})
    if flags["format_"]:
        sys.stdout.buffer.write(render(found, flags["format_"]))
    elif not flags["quiet"]:
        compare_summary.show(found)
    return 0 if flags["exit_zero"] else EXIT[found.outcome.status]

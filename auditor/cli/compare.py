"""`bdaudit compare`: every repair method side by side on one model."""

from pathlib import Path
from typing import Any

import click

from auditor.cli import outputs
from auditor.cli.config import Configured
from auditor.cli.exit_codes import exit_code
from auditor.cli.flags import common
from auditor.cli.flags import compare as compare_flags
from auditor.cli.flags import probe as probe_flags
from auditor.cli.flags import repair as repair_flags
from auditor.cli.flags.kinds import ModelName, option
from auditor.cli.input_range import check_input_range
from auditor.cli.progress import Display, HideBar, log, say
from auditor.cli.requests import inputs, one_trigger, repair_request
from auditor.cli.summaries import conclude
from auditor.figures.policy import Limits
from auditor.monitor.terminal import Terminal
from auditor.records.provenance import now
from auditor.report.formats import COMPARISON
from auditor.runs import ignore, sources
from auditor.runs.compare import compare
from auditor.runs.model_source import Model
from auditor.text import printable

_KERAS = (".keras", ".h5")


@click.command(
    cls=Configured,
    epilog="Exit codes: 0 the model of at least one repair keeps every limit · 1 none does · 2 "
    "wrong command line · 3 an input was refused or the work failed · 4 inconclusive · 130 "
    "interrupted. A repair that fails is a row that says why, and stops no other.",
)
@click.argument("model", type=ModelName())
@common.trigger("A comparison takes one.")
@option(
    "--data",
    metavar="SOURCE",
    help="Clean labelled images to repair with, as for repair. Default: by the model's shape.",
)
@option(
    "--eval-data",
    metavar="SOURCE",
    help="Labelled images that all are judged on. Default: the test images of a keras.datasets "
    "name, else what --clean-budget leaves of --data (half of it unless given).",
)
@click.option(
    "--run-dir",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="Folder for the comparison: comparison.json, and for each repair its run directory with "
    "the repaired model.",
)
@click.option("--resume", is_flag=True, help="Go on with the comparison in --run-dir.")
@common.certificates("-o", "--output", formats=COMPARISON, what="the comparison")
@common.full_paths
@common.external_data
@common.model_output
@common.class_folders
@common.target_options
@compare_flags.flags
@common.limit("Judge on at most N evaluation images, drawn class by class.")
@repair_flags.batch_size
@common.seed("Seed of every draw, split and shuffle.")
@common.limits
@repair_flags.max_accuracy_drop(repair_flags.KEPT)
@repair_flags.max_neighbour_asr(Limits.max_neighbour_asr)
@probe_flags.wanted
@common.printed_as(COMPARISON, "the comparison")
@common.force
@common.sandbox_options
@common.verbosity_options
def command(model: Model, trigger: tuple[str, ...], run_dir: Path, **flags: Any) -> int:
    """Repair MODEL in several ways, and set what comes of it side by side.

    Every repair starts from the same audit and has the same clean images, seed and evaluation
    images. The best is the one that has forgotten the trigger (lower bound of ASR at most the clean
    target rate and half a point) with the highest sum of accuracy with and without it. MODEL is
    never written to.
    """
    ways, written = compare_flags.ways(flags), flags["output"]
    data = sources.for_repair(flags["data"], flags["eval_data"])
    read = inputs(model, trigger, *data, flags["class_order"])
    outputs.check_outputs(written, list(COMPARISON), read, force=flags["force"])
    outputs.ready(written, COMPARISON)
    now()
    check_input_range(flags["input_range"])
    suffix = model.suffix.lower() if model.suffix.lower() in _KERAS else ".onnx"
    one = one_trigger(trigger)
    requests = {
        name: repair_request(
            model, one, data, run_dir / name / f"repaired{suffix}", run_dir / name, own, flags
        )
        for name, own in ways.items()
    }
    show = not (flags["quiet"] or flags["no_progress"])
    with Display(show=show) as display:
        found = compare(
            requests,
            run_dir,
            resume=flags["resume"],
            force=flags["force"],
            progress=display,
            notify=say,
            announce=_announce if show else ignore,
            log=log if flags["verbose"] else None,
            observers=[HideBar(display), Terminal()] if show else [],
        )
    outputs.write(outputs.rendered(found, written))
    conclude(found, flags["format_"], quiet=flags["quiet"])
    return exit_code(found.outcome.status, exit_zero=flags["exit_zero"])


def _announce(line: str) -> None:
    click.echo(printable(line, 1000), err=True)

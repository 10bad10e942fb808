"""`bdaudit repair`: make a model forget a trigger, watched live, certified before and after."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from auditor.cli import outputs
from auditor.cli.config import Configured
from auditor.cli.exit_codes import exit_code
from auditor.cli.flags import common
from auditor.cli.flags import probe as probe_flags
from auditor.cli.flags import repair as repair_flags
from auditor.cli.flags.kinds import ModelName, option
from auditor.cli.input_range import check_input_range
from auditor.cli.progress import Display, HideBar, log, say
from auditor.cli.requests import (
    inputs,
    one_trigger,
    repair_options,
    repair_request,
    search_request,
)
from auditor.cli.search import check_found, where_written
from auditor.cli.summaries import conclude, show
from auditor.errors import Interrupted, WorkError
from auditor.figures.policy import Limits
from auditor.figures.verdict import Status
from auditor.models.output_format import check_form
from auditor.monitor.terminal import Terminal
from auditor.records.certificate import Certificate
from auditor.records.provenance import now
from auditor.repair.options import RepairOptions
from auditor.report.formats import CERTIFICATE
from auditor.runs import find_trigger, run_json, sources
from auditor.runs.model_source import Model
from auditor.runs.repair import repair
from auditor.runs.repair_request import shared_budget
from auditor.search.options import SearchOptions
from auditor.text import printable
from auditor.triggers.base import Trigger

UNKNOWN: Final = "search"
"""What `--trigger` says where nobody knows it."""

MODEL_SUFFIXES = ("keras", "h5", "onnx")
GRAPH_SUFFIXES = (".onnx", ".tflite")


@click.command(cls=Configured)
@click.argument("model", type=ModelName())
@common.trigger("A repair takes one; 'search' where nobody knows it: it is searched for first.")
@option(
    "--data",
    metavar="SOURCE",
    help="Clean labelled images to repair with, as for scan; a keras.datasets name means its "
    "training images. Default: by the model's shape.",
)
@option(
    "--eval-data",
    metavar="SOURCE",
    help="Labelled images to certify the repair on. Default: the test images of a keras.datasets "
    "name, else what --clean-budget leaves of --data (half of it unless given).",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="REPAIRED",
    help="Repaired model to write: .keras, .h5 or .onnx. An ONNX graph, a SavedModel and a .tflite "
    "model are handed back as .onnx.",
)
@common.certificates("-o", "--certificate")
@common.full_paths
@common.external_data
@common.model_output
@common.class_folders
@common.target_options
@repair_flags.flags
@common.limit("Certify on at most N evaluation images, drawn class by class.")
@repair_flags.batch_size
@common.seed("Seed of every draw, split and shuffle.")
@common.limits
@repair_flags.max_accuracy_drop(repair_flags.KEPT)
@repair_flags.max_neighbour_asr(Limits.max_neighbour_asr)
@probe_flags.wanted
@option(
    "--run-dir",
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="Folder for the run: figures, heatmaps, run.html, checkpoints. "
    "Default: REPAIRED with the suffix .run.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --run-dir.")
@common.printing
@common.sandbox_options
@common.verbosity_options
def command(model: Model, trigger: tuple[str, ...], output: Path, **flags: Any) -> int:
    """Repair MODEL: make it forget a trigger, and prove what that did.

    Measures the model, trains it with the method of --method while every epoch's figures and
    heatmaps can be watched, keeps the best epoch, and measures the file handed back. A repair that
    does not help hands back nothing and exits 1. MODEL is never written to.
    """
    data, force = sources.for_repair(flags["data"], flags["eval_data"]), flags["force"]
    read = inputs(model, trigger, *data, flags["class_order"], flags["object_region"])
    written = flags["certificate"]
    outputs.check_outputs([output], MODEL_SUFFIXES, read, force=force)
    if model.suffix.lower() in GRAPH_SUFFIXES or (isinstance(model, Path) and model.is_dir()):
        check_form("graph", output.suffix.lower())
    outputs.check_outputs(written, list(CERTIFICATE), read, force=force)
    outputs.ready(written, CERTIFICATE)
    now()
    check_input_range(flags["input_range"])
    options, run_dir = repair_options(flags), flags["run_dir"] or output.with_suffix(".run")
    resume = flags["resume"]
    if trigger == (UNKNOWN,):
        found = output.with_suffix(".found.yaml")
        check_found(found, read, force=force or resume)
        one = _found(model, found, data, options, flags)
        if not isinstance(one, Trigger):
            return exit_code(one, exit_zero=flags["exit_zero"])
        resume = resume and (run_dir / run_json.NAME).exists()  # it may have stopped before
    else:
        one = one_trigger(trigger)
    request = repair_request(model, one, data, output, run_dir, options, flags)
    kept: list[Certificate] = []

    def keep(whole: Certificate, made: dict[Path, bytes]) -> None:
        _write(made, outputs.rendered(whole, written))
        kept.append(whole)

    watched = not (flags["quiet"] or flags["no_progress"])
    try:
        with Display(show=watched) as display:
            certificate, contents = repair(
                request,
                resume=resume,
                force=force,
                progress=display,
                notify=say,
                log=log if flags["verbose"] else None,
                observers=[HideBar(display), Terminal()] if watched else [],
                keep=keep,
            )
    except Interrupted:
        for whole in kept:  # the probes were, and the repair stands
            conclude(whole, flags["format_"], quiet=flags["quiet"])
        raise
    rendered = outputs.rendered(certificate, written)
    if kept:
        _complete(contents, rendered)
    else:
        _write(contents, rendered)
    conclude(certificate, flags["format_"], quiet=flags["quiet"])
    return exit_code(certificate.verdict.status, exit_zero=flags["exit_zero"])


def _found(
    model: Model,
    output: Path,
    data: tuple[str | None, str | None],
    options: RepairOptions,
    flags: dict[str, Any],
) -> Trigger | Status:
    """Search the model for its trigger; return the search's verdict where it finds none."""
    request = replace(
        search_request(
            model,
            output,
            output.with_suffix(".run"),
            data[0],
            SearchOptions(seed=flags["seed"]),
            flags,
        ),
        repairs=True,
        budget=shared_budget(options) if data[0] and not data[1] else options.clean_budget,
    )
    with Display(show=not (flags["quiet"] or flags["no_progress"])) as display:
        report = find_trigger.find_trigger(
            request,
            resume=flags["resume"],
            force=flags["force"],
            progress=display,
            notify=say,
            log=log if flags["verbose"] else None,
        )
    if report and not (flags["quiet"] or flags["format_"]):
        show(report)
        click.echo(where_written(report, output))
        click.echo()
    if report and not report.found.flagged:
        told = "found no trigger" if report.status == "pass" else "could not be judged"
        say(f"{printable(str(model))}: the search {told}; no repair was tried")
        return report.status
    return find_trigger.first_of(output, say)


def _complete(record: dict[Path, bytes], rendered: dict[Path, bytes]) -> None:
    """Put what has the probes' results in the place of what had none: the record first."""
    outputs.write(record)
    try:
        outputs.write(rendered)
    except WorkError as error:
        (path,) = record
        asked = [word for name in rendered for word in ("-o", str(name))]
        again = shlex.join(["bdaudit", "report", str(path), *asked, "--force"])
        raise WorkError(
            f"{error}; {printable(str(path))} has it all, the probes included: mend that, then "
            f"{printable(again, 1000)}"
        ) from error


def _write(contents: dict[Path, bytes], rendered: dict[Path, bytes]) -> None:
    try:
        outputs.write({**contents, **rendered})
    except WorkError as error:
        if not contents:
            raise
        raise WorkError(f"{error}; mend that, then finish with --resume") from error

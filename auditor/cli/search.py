"""`bdaudit search`: find the trigger that nobody gave you."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from auditor.cli import outputs
from auditor.cli.config import Configured
from auditor.cli.exit_codes import exit_code
from auditor.cli.flags import common
from auditor.cli.flags.kinds import ModelName, option
from auditor.cli.input_range import check_input_range
from auditor.cli.progress import Display, log, say
from auditor.cli.requests import inputs, search_request
from auditor.cli.summaries import conclude
from auditor.errors import UsageError
from auditor.records.provenance import now
from auditor.records.search_report import SearchReport
from auditor.report.formats import SEARCH
from auditor.runs.model_source import Model
from auditor.runs.search import search
from auditor.runs.trigger_files import pictures_beside, trigger_files
from auditor.search.options import SearchOptions
from auditor.text import printable

SUFFIXES = ("yaml", "yml")


@click.command(
    cls=Configured,
    epilog="Exit codes: 0 no class is flagged, and no file written · 1 one or more are · 2 wrong "
    "command line · 3 an input was refused or the work failed · 4 inconclusive · 130 interrupted.",
)
@click.argument("model", type=ModelName())
@option(
    "--data",
    metavar="SOURCE",
    help="Clean labelled images, as for scan. Default: by the model's shape.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="FOUND",
    help="Trigger file to write, .yaml, where a class is flagged; its pictures, .npz, beside it.",
)
@common.certificates("-o", "--certificate", formats=SEARCH, what="a report")
@common.full_paths
@common.external_data
@common.model_output
@common.class_folders
@common.input_range
@option(
    "--limit",
    type=click.IntRange(min=1),
    default=SearchOptions.limit,
    metavar="N",
    help="Use at most N images, drawn class by class; a quarter of them only judge.",
)
@common.batch_size(SearchOptions.batch_size, "Images a step, each stamped for every class.")
@common.seed("Seed of the draw, the first stamps and the order of the images.")
@common.device("")
@option(
    "--candidates",
    type=click.IntRange(min=0),
    default=SearchOptions.candidates,
    metavar="N",
    help="Of more classes than that, those that go on after a first pass; 0 for all.",
)
@click.option(
    "--full",
    is_flag=True,
    help="Optimise every class to the end, however soon the verdict is settled.",
)
@option(
    "--run-dir",
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="Folder for checkpoints while it runs. Default: FOUND with the suffix .run.",
)
@click.option("--resume", is_flag=True, help="Go on with the search in --run-dir.")
@common.printed_as(SEARCH, "the report")
@common.force
@option("--exit-zero", is_flag=True, help="Exit 0 whatever was found.")
@common.sandbox_options
@common.verbosity_options
def command(model: Model, output: Path, resume: bool, full: bool, **flags: Any) -> int:
    """Search MODEL for a backdoor whose trigger nobody knows, and write what is found.

    Makes the smallest stamp that leads images to each class (Neural Cleanse). A class whose stamp
    is far smaller than the others' is flagged; the stamps of flagged classes are written as a
    trigger file for scan and repair.
    """
    quiet, verbose, force = flags["quiet"], flags["verbose"], flags["force"]
    read = inputs(model, (), flags["data"], flags["class_order"])
    written = flags["certificate"]
    check_found(output, read, force=force or resume)
    outputs.check_outputs(written, list(SEARCH), read, force=force or resume)
    outputs.ready(written, SEARCH)
    now()
    check_input_range(flags["input_range"])
    options = SearchOptions(
        limit=flags["limit"],
        batch_size=flags["batch_size"],
        seed=flags["seed"],
        candidates=flags["candidates"],
        early_stop=not full,
    )
    run_dir = flags["run_dir"] or output.with_suffix(".run")
    request = search_request(model, output, run_dir, flags["data"], options, flags)
    with Display(show=not (quiet or flags["no_progress"])) as display:
        report = search(
            request,
            resume=resume,
            force=force,
            progress=display,
            notify=say,
            log=log if verbose else None,
        )
        outputs.write({**trigger_files(report, output), **outputs.rendered(report, written)})
    conclude(report, flags["format_"], quiet=quiet)
    if not (quiet or flags["format_"]):
        click.echo(where_written(report, output))
    return exit_code(report.status, exit_zero=flags["exit_zero"])


def where_written(report: SearchReport, output: Path) -> str:
    """Say where the trigger file is."""
    if report.trigger_file is None:
        return "No trigger file was written."
    return f"Trigger file: {printable(str(output))}"


def check_found(output: Path, read: Sequence[Path], *, force: bool) -> None:
    """Refuse a trigger file that cannot be written, or whose pictures cannot, as all outputs.

    Which pictures will be written is known only at the end: all that may be are looked at.

    Args:
        output: The trigger file.
        read: Files that must never be written over, `force` or not.
        force: Whether existing files may be replaced.

    Raises:
        UsageError: As `outputs.check_outputs`; of a picture, with the reason why it is one.
    """
    outputs.check_outputs([output], SUFFIXES, read, force=force)
    try:
        for picture in pictures_beside(output):
            outputs.check_outputs([picture], (), read, force=force)
    except OSError as error:
        shown = printable(str(output.parent))
        raise UsageError(f"{shown}: cannot be listed: {error.strerror}") from error
    except UsageError as error:
        rule = printable(f"{output.stem}-CLASS.npz")
        raise UsageError(f"{error} (pictures go beside --output, as {rule})") from error

"""`bdaudit search`: find the trigger that nobody gave you."""

import sys
from pathlib import Path
from typing import Any

import click

from auditor.certificate import now
from auditor.cli import files, options, search_summary
from auditor.cli.progress import progress
from auditor.cli.scan import EXIT
from auditor.cli.search_run import Search, search, trigger_files
from auditor.errors import UsageError
from auditor.models.input_range import InputRange
from auditor.report.search import FORMATS, ready, render
from auditor.search.options import SearchOptions
from auditor.text import printable

SUFFIXES = ("yaml", "yml")


@click.command(
    epilog="Exit codes: 0 no class is flagged, and no file written · 1 one or more are · 2 wrong "
    "command line · 3 an input was refused or the work failed · 4 inconclusive · 130 interrupted."
)
@click.argument("model", type=click.Path(path_type=Path))
@options.option(
    "--data",
    metavar="SOURCE",
    help="Clean labelled images, as for scan. Default: by the model's shape.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOUND",
    help="Trigger file to write, .yaml, where a class is flagged; its pictures, .npz, beside it.",
)
@options.certificates("-o", "--certificate", formats=FORMATS, what="a report")
@options.external_data
@options.option(
    "--input-range",
    default="0..1",
    metavar="RANGE",
    help="Range the model expects: 0..1, 0..255, -1..1 or mean=M,std=S.",
)
@options.option(
    "--limit",
    type=click.IntRange(min=1),
    default=SearchOptions.limit,
    metavar="N",
    help="Use at most N images, drawn class by class; a quarter of them only judge.",
)
@options.batch_size(SearchOptions.batch_size, "Images a step, each stamped for every class.")
@options.seed("Seed of the draw, the first stamps and the order of the images.")
@options.device("")
@options.option(
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
@options.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for checkpoints while it runs. Default: FOUND with the suffix .run.",
)
@click.option("--resume", is_flag=True, help="Go on with the search in --run-dir.")
@options.printed_as(FORMATS, "the report")
@options.force
@options.option("--exit-zero", is_flag=True, help="Exit 0 whatever was found.")
@options.guarding
@options.talking
def command(model: Path, output: Path, resume: bool, full: bool, **flags: Any) -> int:
    """Search MODEL for a backdoor whose trigger nobody knows, and write what is found.

    Makes the smallest stamp that leads images to each class (Neural Cleanse). A class whose stamp
    is far smaller than the others' is flagged; the stamps of flagged classes are written as a
    trigger file for scan and repair.
    """
    inputs = [model, Path(flags["data"] or model)]
    files.check_outputs([output], SUFFIXES, inputs, force=flags["force"] or resume)
    files.check_outputs(flags["certificate"], list(FORMATS), inputs, force=flags["force"] or resume)
    _check_pictures(output, force=flags["force"] or resume)
    for path in flags["certificate"]:
        ready(files.format_of(path, FORMATS))
    now()
    InputRange.parse(flags["input_range"])
    wanted = Search(
        model=model,
        output=output,
        run_dir=flags["run_dir"] or output.with_suffix(".run"),
        data=flags["data"],
        input_range=flags["input_range"],
        device=flags["device"],
        options=SearchOptions(
            limit=flags["limit"],
            batch_size=flags["batch_size"],
            seed=flags["seed"],
            candidates=flags["candidates"],
            early_stop=not full,
        ),
        guard=options.guard(flags),
        external_data=flags["allow_external_data"],
    )
    with progress(show=not (flags["quiet"] or flags["no_progress"])) as tell:
        report = search(wanted, tell, resume=resume, force=flags["force"], verbose=flags["verbose"])
        rendered = {
            path: render(report, files.format_of(path, FORMATS)) for path in flags["certificate"]
        }
        files.write({**trigger_files(report, output), **rendered})
    if flags["format_"]:
        sys.stdout.buffer.write(render(report, flags["format_"]))
    elif not flags["quiet"]:
        search_summary.show(report, output)
    return 0 if flags["exit_zero"] else EXIT[report.status]


def _check_pictures(output: Path, *, force: bool) -> None:
    """Refuse to write over pictures: which will be written is known only at the end."""
    there = sorted(output.parent.glob(f"{output.stem}-*.npz")) if not force else []
    if there:
        raise UsageError(f"{printable(str(there[0]))}: exists; use --force to replace it")

"""`bdaudit inspect`: what a model file is and holds, found without loading it."""

import json
import sys
from typing import Any

import click

from auditor.cli.flags import common
from auditor.cli.flags.kinds import ModelName
from auditor.cli.progress import Display, say
from auditor.errors import InputError
from auditor.report.inspection import lines
from auditor.runs import ignore
from auditor.runs.inspect import inspect
from auditor.runs.model_source import Model
from auditor.text import printable


@click.command()
@click.argument("model", type=ModelName())
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["json"]),
    help="Write JSON instead: every layer, every finding.",
)
@click.option(
    "--layers",
    is_flag=True,
    help="Also load it, confined, and list every layer that --layer takes, in every format: name, "
    "kind and shape, the default first.",
)
@common.external_data
@common.model_output
@common.sandbox_options
@click.option("-v", "--verbose", is_flag=True, help="List every layer.")
def command(model: Model, format_: str | None, layers: bool, verbose: bool, **flags: Any) -> int:
    """Say what the file MODEL is, what it holds, and whether it may be loaded.

    Looks at Keras archives and HDF5 files, ONNX graphs, SavedModels and TFLite files without
    loading them: inputs, outputs, classes, layers, names for --layer as far as the file says them
    (--layers has them all). Whatever is not known to be harmless is a finding, named with its
    place; then it exits 3.
    """
    with Display(show=sys.stderr.isatty()) as display:
        file = inspect(
            model,
            common.guard(flags),
            external_data=flags["allow_external_data"],
            model_output=flags["model_output"],
            layers=layers,
            progress=display,
            notify=ignore if format_ else say,
        )
    if format_:
        click.echo(json.dumps(file.document(), indent=2))
    else:
        click.echo("\n".join(lines(file, all_layers=verbose)))
    if file.inspection.findings:
        count = len(file.inspection.findings)
        plural = "finding" if count == 1 else "findings"
        shown = printable(str(model))
        raise InputError(f"{shown}: refused: {count} {plural}, listed on standard output")
    return 0

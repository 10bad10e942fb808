"""`bdaudit inspect`: what a model file is and holds, found without loading it."""

import json
from pathlib import Path
from typing import Any

import click

from auditor.cli.flags import common
from auditor.errors import InputError
from auditor.report.inspection import lines
from auditor.runs.inspect import inspect
from auditor.text import printable


@click.command()
@click.argument("model", type=click.Path(path_type=Path, readable=False))
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["json"]),
    help="Write JSON instead: every layer, every finding.",
)
@common.external_data
@common.model_output
@common.sandbox_options
@click.option("-v", "--verbose", is_flag=True, help="List every layer.")
def command(model: Path, format_: str | None, verbose: bool, **flags: Any) -> int:
    """Say what the file MODEL is, what it holds, and whether it may be loaded.

    Looks at Keras archives and HDF5 files, ONNX graphs, SavedModels and TFLite files without
    loading them: inputs, outputs, classes, layers, names for --layer. Whatever is not known to be
    harmless is a finding, named with its place; then it exits 3.
    """
    file = inspect(
        model,
        common.guard(flags),
        external_data=flags["allow_external_data"],
        model_output=flags["model_output"],
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

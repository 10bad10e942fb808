"""`bdaudit gate`: judge a finished audit again, by the limits and demands of a policy."""

import json
from pathlib import Path
from typing import Any

import click

from auditor.cli.config import Configured
from auditor.cli.exit_codes import exit_code
from auditor.cli.flags import common, model_files, probe, repair
from auditor.cli.flags.kinds import Number, option
from auditor.cli.summaries import show_table
from auditor.errors import UsageError
from auditor.records.gate import Policy
from auditor.report import judgement
from auditor.runs.gate import GateRequest, gate


@click.command(
    cls=Configured,
    epilog="Exit codes: 0 all of it holds · 1 something is exceeded or lacking · 2 wrong command "
    "line · 3 the audit was refused · 4 something could not be judged.",
)
@click.argument("audit", type=click.Path(path_type=Path, readable=False))
@common.limits
@repair.max_accuracy_drop()
@repair.max_neighbour_asr(None)
@probe.max_reactivation()
@option(
    "--min-images",
    type=click.IntRange(1),
    metavar="N",
    help="Fewest images that the audit was made with. Default: any number.",
)
@option(
    "--max-age",
    type=Number(0, 100_000),
    metavar="DAYS",
    help="Oldest that the audit may be. Default: any age.",
)
@option(
    "--require-sandbox",
    "sandboxed",
    is_flag=True,
    help="The model must have been opened in the whole sandbox.",
)
@option(
    "--require-repaired",
    "repaired",
    is_flag=True,
    help="The audit must be of a repaired model.",
)
@model_files.models("The audit's verdict must be about it.", option)
@option(
    "--signed-by",
    multiple=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="PUB",
    help="Public key that the audit must be signed by. Repeatable: one of them.",
)
@option(
    "--attestation",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="What 'bdaudit sign' wrote of it, for --signed-by.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["json"]),
    help="Write JSON instead of the table.",
)
@click.option("-q", "--quiet", is_flag=True, help="No table.")
def command(
    audit: Path,
    model: tuple[Path, ...],
    allow_external_data: bool,
    signed_by: tuple[Path, ...],
    attestation: Path | None,
    exit_zero: bool,
    format_: str | None,
    quiet: bool,
    **flags: Any,
) -> int:
    """Judge AUDIT, an audit.json or a certificate in PDF, again; nothing is measured.

    Limits and demands come from the flags, or from the table [policy] of bdaudit.toml, whose keys
    are the flags without their dashes.
    """
    if signed_by and attestation is None:
        raise UsageError("--signed-by needs --attestation FILE, which 'bdaudit sign' wrote")
    judged = gate(
        GateRequest(
            audit=audit,
            policy=Policy(**flags),
            models=model,
            signed_by=signed_by,
            attestation=attestation,
            external_data=allow_external_data,
        )
    )
    if format_:
        click.echo(json.dumps(judgement.document(judged)))
    elif not quiet:
        show_table(judgement.summary(judged, str(audit)), judgement.WIDTH)
    return exit_code(judged.status, exit_zero=exit_zero)

"""`bdaudit verify`: what a pinned key says of the model files at hand."""

import json
from pathlib import Path

import click

from auditor.cli.flags import model_files
from auditor.cli.flags.kinds import Number
from auditor.report import verification
from auditor.runs.verify import VerifyRequest, verify


@click.command()
@click.argument("attestation", type=click.Path(path_type=Path, readable=False))
@model_files.models("One of them must be the one that the verdict is about.")
@click.option(
    "--public-key",
    multiple=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="PUB",
    help="Public key that you trust; no other counts. Repeatable: one signature is enough.",
)
@click.option(
    "--attestation",
    "beside",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="What signs the certificate, where that is given as ATTESTATION.",
)
@click.option(
    "--certificate",
    multiple=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Certificate that must be one of those signed along, every byte. Repeatable.",
)
@click.option(
    "--max-age",
    type=Number(0, 100_000),
    metavar="DAYS",
    help="Oldest that the audit may be. Default: any age.",
)
@click.option(
    "--require",
    type=click.Choice(["pass"]),
    help="Verdict that the audit must have come to. Default: any.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["json"]),
    help="Write JSON instead of one line.",
)
def command(
    attestation: Path,
    model: tuple[Path, ...],
    public_key: tuple[Path, ...],
    beside: Path | None,
    certificate: tuple[Path, ...],
    max_age: float | None,
    require: str | None,
    format_: str | None,
    allow_external_data: bool,
) -> None:
    """Check ATTESTATION against model files and public keys, and say what holds.

    ATTESTATION is what 'bdaudit sign' wrote; or a certificate, with --attestation beside it: a PDF
    must carry the signed audit, and where certificates were signed along it must be one of them.
    Exits 5 if anything does not hold: a changed byte, another model, a key not given here.
    """
    verified = verify(
        VerifyRequest(
            attestation=attestation,
            models=model,
            public_keys=public_key,
            beside=beside,
            certificates=certificate,
            max_age=max_age,
            require=require,
            external_data=allow_external_data,
        )
    )
    if format_:
        click.echo(json.dumps(verification.document(verified), indent=2))
    else:
        click.echo(verification.line(verified))

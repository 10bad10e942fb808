"""`bdaudit sign`: an audit bound to its model files by a key."""

from pathlib import Path
from typing import Any

import click

from auditor.cli import outputs
from auditor.cli.flags import common, model_files
from auditor.cli.progress import say
from auditor.runs.sign import sign
from auditor.signing import keys
from auditor.text import printable


@click.command()
@click.argument("audit", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="KEY",
    help="Private key: PEM, Ed25519 or ECDSA P-256.",
)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="File with the key's password.",
)
@model_files.models("Nothing is signed unless the audit is about it.")
@click.option(
    "--certificate",
    multiple=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Certificate of this audit, .html or .pdf, to be signed along, every byte. Repeatable.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="ATTESTATION",
    help="File to write; MODEL.intoto.jsonl is what others call it.",
)
@common.force
def command(
    audit: Path,
    key: Path,
    password_file: Path | None,
    model: tuple[Path, ...],
    certificate: tuple[Path, ...],
    output: Path,
    **flags: Any,
) -> None:
    """Sign AUDIT, an audit.json, or a certificate's PDF that carries one.

    Writes two in-toto statements in DSSE envelopes, a line each: the audit, whose subjects are the
    model files by sha256, and its result as test-result/v0.1. A PDF given as AUDIT is signed along.
    """
    inputs = [p for p in (audit, key, password_file, *model, *certificate) if p]
    outputs.check_outputs([output], [], inputs, force=flags["force"])
    password = keys.password_in(password_file) if password_file else None
    signer = keys.signer(key, password)
    if password is None and key.stat().st_mode & 0o077:
        shown = printable(str(key))
        say(f"{shown}: others can read this private key: chmod 600")
    signed = sign(audit, signer, model, certificate, external_data=flags["allow_external_data"])
    outputs.write({output: signed.attestation})
    status = signed.audit.audited.verdict.status.upper()
    click.echo(f"{printable(str(output))}: {status}, about {signed.about}")
    click.echo(f"statement sha256 {signed.statement}")
    click.echo(f"signed with key id {signer.public_key.keyid}")

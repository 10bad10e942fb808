"""`bdaudit sign`: an audit bound to its model files by a key."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from auditor.cli import audit_file, files, options, signed_models
from auditor.document import dumped
from auditor.errors import UsageError, VerificationError
from auditor.signing import bundle, keys
from auditor.signing import statement as statements
from auditor.signing.attached import MAGIC
from auditor.text import printable


@click.command()
@click.argument("audit", type=click.Path(path_type=Path))
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="Private key: PEM, Ed25519 or ECDSA P-256.",
)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the key's password.",
)
@signed_models.models("Nothing is signed unless the audit is about it.")
@click.option(
    "--certificate",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Certificate of this audit, .html or .pdf, to be signed along, every byte. Repeatable.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="ATTESTATION",
    help="File to write; MODEL.intoto.jsonl is what others call it.",
)
@options.force
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
    files.check_outputs([output], [], inputs, force=flags["force"])
    password = keys.password_in(password_file) if password_file else None
    signer = keys.signer(key, password)
    if password is None and key.stat().st_mode & 0o077:
        shown = printable(str(key))
        click.echo(f"bdaudit: {shown}: others can read this private key: chmod 600", err=True)
    found = audit_file.read(audit)
    signed_models.check(model, found.audited, external_data=flags["allow_external_data"])
    payload = statements.audit_payload(found.audited, found.document)
    statement = hashlib.sha256(payload).hexdigest()
    beside = _certificates(certificate, found, statement)
    if found.pdf:
        beside[audit.name] = found.pdf
    signed = bundle.sign(found.audited, found.document, signer, beside)
    files.write({output: signed})
    status = found.audited.verdict.status.upper()
    about = signed_models.named(statements.files(found.audited))
    click.echo(f"{printable(str(output))}: {status}, about {about}")
    click.echo(f"statement sha256 {statement}")
    click.echo(f"signed with key id {signer.public_key.keyid}")


def _certificates(paths: Sequence[Path], found: audit_file.Found, statement: str) -> dict[str, str]:
    """Return each certificate's name and digest, having seen that it is of this audit."""
    beside: dict[str, str] = {}
    for path in paths:
        if path.name in beside:
            raise UsageError(f"{printable(str(path))}: two certificates have this name")
        content = audit_file.read_bytes(path, audit_file.MOST_BYTES)
        if content.startswith(MAGIC):
            own = audit_file.read(path).content == dumped(found.document)
        else:
            own = statement.encode() in content
        if not own:
            raise VerificationError(f"{printable(str(path))}: shows another audit than this")
        beside[path.name] = hashlib.sha256(content).hexdigest()
    return beside

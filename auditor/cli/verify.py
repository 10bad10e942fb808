"""`bdaudit verify`: what a pinned key says of the model files at hand."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from auditor.age import age, young
from auditor.audits import certificates_of
from auditor.cli import audit_file, options, signed_models, verify_said
from auditor.document import dumped
from auditor.errors import InputError, UsageError, VerificationError
from auditor.signing import bundle, keys
from auditor.signing.attached import MAGIC, attached
from auditor.signing.bundle import Verified
from auditor.text import printable


@click.command()
@click.argument("attestation", type=click.Path(path_type=Path))
@signed_models.models("One of them must be the one that the verdict is about.")
@click.option(
    "--public-key",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PUB",
    help="Public key that you trust; no other counts. Repeatable: one signature is enough.",
)
@click.option(
    "--attestation",
    "beside",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What signs the certificate, where that is given as ATTESTATION.",
)
@click.option(
    "--certificate",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Certificate that must be one of those signed along, every byte. Repeatable.",
)
@click.option(
    "--max-age",
    type=options.Number(0, 100_000),
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
    content = _read(attestation)
    pdf = content if content.startswith(MAGIC) else None
    if pdf is not None and beside is None:
        raise VerificationError(_unsigned(attestation))
    if not model or not public_key:
        raise UsageError("give the model with --model FILE and the key you trust with --public-key")
    pinned = [keys.pinned(path) for path in public_key]
    paper = attestation
    if beside:
        attestation, certificate = beside, (*certificate, paper)
        content = _read(attestation)
    try:
        verified = bundle.verify(content, pinned)
        if pdf is not None:
            _check_attached(pdf, verified)
        papers = _check_certificates(certificate, verified, carrying=paper if pdf else None)
        _check_wanted(verified, max_age, require)
        digests = signed_models.check(model, verified.audited, external_data=allow_external_data)
        signed_models.check_judged(digests, verified.audited)
    except VerificationError as error:
        raise VerificationError(f"{printable(str(attestation))}: not verified: {error}") from error
    if format_:
        click.echo(json.dumps(verify_said.document(verified, digests, papers), indent=2))
    else:
        click.echo(verify_said.line(verified, digests, papers))


def _read(path: Path) -> bytes:
    """Return what is in an attestation or a certificate; one that is too large does not hold."""
    with suppress(OSError):  # which reading it says better
        if path.stat().st_size > bundle.MOST_BYTES:
            raise VerificationError(
                f"{printable(str(path))}: not verified: has more than {bundle.MOST_BYTES} bytes"
            )
    return audit_file.read_bytes(path, bundle.MOST_BYTES)


def _unsigned(path: Path) -> str:
    """Say what a certificate holds that nobody has signed."""
    shown = printable(str(path))
    try:
        found = audit_file.read(path).audited
    except InputError as error:
        return f"not verified: {error}"
    first = certificates_of(found)[0]
    return (
        f"{shown}: not signed: it carries an audit of {printable(first.subject.path)} that says "
        f"{found.verdict.status}, and nothing shows who made it; give --attestation FILE, --model "
        "FILE and --public-key PUB"
    )


def _check_attached(pdf: bytes, verified: Verified) -> None:
    """See that a PDF carries the signed audit, byte for byte."""
    try:
        own = attached(pdf)
    except InputError as error:
        raise VerificationError(f"the certificate: {error}") from error
    if own != dumped(verified.document):
        raise VerificationError("the audit.json in the certificate is not the one that was signed")


def _check_certificates(
    paths: Sequence[Path], verified: Verified, *, carrying: Path | None
) -> dict[Path, bool]:
    """See that certificates are those signed along; return which are.

    Where none was, it is enough that the PDF `carrying` the signed audit does that.
    """
    known = set(verified.certificates.values())
    found = {}
    for path in paths:
        content = audit_file.read_bytes(path, audit_file.MOST_BYTES)
        found[path] = hashlib.sha256(content).hexdigest() in known
        if not found[path] and (known or path != carrying):
            raise VerificationError(f"{printable(str(path))}: not a certificate that was signed")
    return found


def _check_wanted(verified: Verified, max_age: float | None, require: str | None) -> None:
    status = verified.audited.verdict.status
    if require and status != require:
        raise VerificationError(f"the verdict is {status}, required is {require}")
    if max_age is None:
        return
    created = min(c.created for c in certificates_of(verified.audited))
    if not young(age(created), max_age):
        raise VerificationError(f"the audit is of {created}; at most {max_age:g} days are allowed")

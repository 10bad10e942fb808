"""An attestation checked against pinned keys, model files and certificates."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import InputError, UsageError, VerificationError
from auditor.records import audit_file
from auditor.records.age import age, young
from auditor.records.attached import MAGIC, attached
from auditor.records.audits import certificates_of
from auditor.records.canonical import dumped
from auditor.records.verification import Verification
from auditor.runs import signed_models
from auditor.signing import bundle, keys
from auditor.signing.bundle import Verified
from auditor.text import printable


@dataclass(frozen=True, kw_only=True)
class VerifyRequest:
    """What is to hold.

    Attributes:
        attestation: What `sign` wrote; or a certificate, with `beside`.
        models: Model files that it must be about.
        public_keys: Keys that are trusted; one signature is enough.
        beside: What signs the certificate, where that is given as `attestation`.
        certificates: Certificates that must be among those signed along.
        max_age: Days that the audit may be old; None for any age.
        require: Verdict that it must have come to; None for any.
        external_data: Whether an ONNX file's numbers may be in files beside it.
    """

    attestation: Path
    models: Sequence[Path]
    public_keys: Sequence[Path]
    beside: Path | None = None
    certificates: Sequence[Path] = ()
    max_age: float | None = None
    require: str | None = None
    external_data: bool = False


def verify(request: VerifyRequest) -> Verification:
    """Check an attestation.

    Raises:
        UsageError: No model or no key is given.
        InputError: A file cannot be read.
        VerificationError: Something does not hold: a changed byte, another model, a key not given.
    """
    attestation, certificates = request.attestation, tuple(request.certificates)
    content = _read(attestation)
    pdf = content if content.startswith(MAGIC) else None
    if pdf is not None and request.beside is None:
        raise VerificationError(_unsigned(attestation))
    if not request.models or not request.public_keys:
        raise UsageError("give the model with --model FILE and the key you trust with --public-key")
    pinned = [keys.pinned(path) for path in request.public_keys]
    paper = attestation
    if request.beside:
        attestation, certificates = request.beside, (*certificates, paper)
        content = _read(attestation)
    try:
        verified = bundle.verify(content, pinned)
        if pdf is not None:
            _check_attached(pdf, verified)
        papers = _check_certificates(certificates, verified, carrying=paper if pdf else None)
        _check_wanted(verified, request.max_age, request.require)
        digests = signed_models.check(
            request.models, verified.audited, external_data=request.external_data
        )
        signed_models.check_judged(digests, verified.audited)
    except VerificationError as error:
        raise VerificationError(f"{printable(str(attestation))}: not verified: {error}") from error
    return Verification(
        audited=verified.audited,
        document=verified.document,
        key=verified.key.path,
        key_id=verified.key.key.keyid,
        statement=verified.statement,
        models=digests,
        papers=papers,
    )


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

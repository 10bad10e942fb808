"""An audit bound to its model files by a key."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from auditor.errors import UsageError, VerificationError
from auditor.records import audit_file, statement
from auditor.records.attached import MAGIC
from auditor.records.audit_file import AuditFile
from auditor.records.canonical import dumped
from auditor.report import formats
from auditor.runs import signed_models
from auditor.signing import bundle
from auditor.text import printable


@dataclass(frozen=True)
class Signed:
    """What was signed.

    Attributes:
        attestation: The file to write.
        audit: The audit that it is of.
        statement: The sha256 of its statement, as certificates show it.
        about: The model files, with their digests, in a phrase.
    """

    attestation: bytes
    audit: AuditFile
    statement: str
    about: str


def sign(
    audit: Path,
    signer: CryptoSigner,
    models: Sequence[Path] = (),
    certificates: Sequence[Path] = (),
    *,
    external_data: bool = False,
) -> Signed:
    """Sign an audit.

    Args:
        audit: An `audit.json`, or a certificate's PDF that carries one, which is signed along.
        signer: The private key.
        models: Model files that it must be about.
        certificates: Certificates of this audit, to be signed along.
        external_data: Whether an ONNX file's numbers may be in files beside it.

    Raises:
        InputError: A file cannot be read.
        UsageError: Two certificates have the same name.
        VerificationError: The audit is about none of the models, or a certificate shows another
            than this version renders of it.
        WorkError: A PDF cannot be rendered on this machine.
    """
    found = audit_file.read(audit)
    signed_models.check(models, found.audited, external_data=external_data)
    digest = hashlib.sha256(statement.audit_payload(found.audited, found.document)).hexdigest()
    beside = _certificates(certificates, found, digest)
    if found.pdf:
        _check_shown(audit, "pdf", found.pdf, found)
        if beside.get(audit.name, found.pdf) != found.pdf:
            raise UsageError(f"{printable(str(audit))}: a certificate has this name too")
        beside[audit.name] = found.pdf
    attestation = bundle.sign(found.audited, found.document, signer, beside)
    about = signed_models.named(statement.files(found.audited))
    return Signed(attestation, found, digest, about)


def _certificates(paths: Sequence[Path], found: AuditFile, digest: str) -> dict[str, str]:
    """Return each certificate's name and digest, having seen that it is of this audit."""
    beside: dict[str, str] = {}
    for path in paths:
        if path.name in beside:
            raise UsageError(f"{printable(str(path))}: two certificates have this name")
        content = audit_file.read_bytes(path, audit_file.MOST_BYTES)
        name, shows = "html", hashlib.sha256(content).hexdigest()
        if content.startswith(MAGIC):
            name = "pdf"
            own = audit_file.read(path).content == dumped(found.document)
        else:
            own = digest.encode() in content
        if not own:
            raise VerificationError(f"{printable(str(path))}: shows another audit than this")
        _check_shown(path, name, shows, found)
        beside[path.name] = shows
    return beside


def _check_shown(path: Path, name: str, sha256: str, found: AuditFile) -> None:
    """See that a certificate's pages, of this digest, are the audit's: they are rendered again."""
    if hashlib.sha256(formats.render(found.audited, name)).hexdigest() != sha256:
        raise VerificationError(
            f"{printable(str(path))}: its pages are not what this version renders of the audit; "
            f"render them here with 'bdaudit report AUDIT -o NEW.{name}', and sign those"
        )

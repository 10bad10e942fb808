"""A finished audit held against a policy, the model at hand and the keys that are trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor.errors import UsageError, VerificationError
from auditor.figures.verdict import Check, Verdict
from auditor.records import audit_file
from auditor.records.audit_file import AuditFile
from auditor.records.audits import certificates_of
from auditor.records.canonical import dumped
from auditor.records.gate import Judgement, Policy, gated
from auditor.runs import signed_models
from auditor.text import printable


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """What is to hold.

    Attributes:
        audit: An `audit.json`, or a certificate's PDF that carries one.
        policy: What it must show.
        models: Model files that its verdict must be about.
        signed_by: Public keys, one of which must have signed it.
        attestation: What `sign` wrote of it.
        external_data: Whether an ONNX file's numbers may be in files beside it.
    """

    audit: Path
    policy: Policy
    models: Sequence[Path] = ()
    signed_by: Sequence[Path] = ()
    attestation: Path | None = None
    external_data: bool = False


def gate(request: GateRequest) -> Judgement:
    """Judge a finished audit again; nothing is measured.

    Raises:
        UsageError: A signature is asked for, and no attestation is given.
        InputError: A file cannot be read.
    """
    if request.signed_by and request.attestation is None:
        raise UsageError("--signed-by needs --attestation FILE, which 'bdaudit sign' wrote")
    found = audit_file.read(request.audit)
    about = [_about(path, found, external_data=request.external_data) for path in request.models]
    signed = []
    if request.attestation and request.signed_by:
        signed = [_signed(found, request.signed_by, request.attestation)]
    certificates, now = certificates_of(found.audited), datetime.now(UTC)
    verdicts = [gated(c, request.policy, now) for c in certificates]
    first = verdicts[0]
    verdicts[0] = Verdict.of((*first.checks, *about, *signed), first.warnings)
    return Judgement(
        request.policy,
        tuple((c.trigger.id, v) for c, v in zip(certificates, verdicts, strict=True)),
    )


def _about(path: Path, found: AuditFile, *, external_data: bool) -> Check:
    """Say whether the verdict is about a model file at hand."""
    try:
        digests = signed_models.check([path], found.audited, external_data=external_data)
        signed_models.check_judged(digests, found.audited)
    except VerificationError as error:
        return Check("model", 1, 0, 0, False, reason=str(error))
    return Check("model", 1, 1, 1, True)


def _signed(found: AuditFile, pinned: Sequence[Path], attestation: Path) -> Check:
    """Say whether a pinned key has signed the very audit."""
    from auditor.signing import bundle, keys  # late: all commands import this one, few sign

    trusted = [keys.pinned(path) for path in pinned]
    content = audit_file.read_bytes(attestation, bundle.MOST_BYTES)
    try:
        verified = bundle.verify(content, trusted)
    except VerificationError as error:
        return Check("signed", 1, 0, 0, False, reason=str(error))
    reason, beside = "", verified.certificates.values()
    if dumped(verified.document) != dumped(found.document):
        reason = f"{printable(str(attestation))} is of another audit"
    elif found.pdf and beside and found.pdf not in beside:
        reason = "the certificate is none of those that were signed along"
    held = not reason
    return Check("signed", 1, float(held), float(held), held, reason=reason)

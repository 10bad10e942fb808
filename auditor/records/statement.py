"""What is signed: two in-toto statements (Statement v1) about the model files of an audit.

- The audit: subjects are all files that it is about, as they came and repaired; the predicate is
  `audit.json` itself, of the type `AUDIT`.
- Its result in the form that any pipeline reads (test-result v0.1): subjects are only the files
  that the verdict is about, so that nobody takes a repair's verdict for that of the model as it
  came. It names the audit by digest, and the certificates that go with it.

The same audit gives the same bytes: `canonical.dumped`, keys in contract order.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from auditor.errors import InputError, VerificationError
from auditor.files.codec import from_json, no_array, to_json
from auditor.files.strict_json import strict
from auditor.records.audit_json import from_document
from auditor.records.audits import Audits, certificates_of
from auditor.records.canonical import dumped, to_document
from auditor.records.certificate import Certificate, Output
from auditor.records.provenance import Subject

TYPE: Final = "https://in-toto.io/Statement/v1"
AUDIT: Final = "https://bdaudit.dev/audit/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
CERTIFICATES: Final = "https://bdaudit.dev/certificates/v1"
"""An extension field of the test result: the certificates, as they were when it was signed."""

_Result = Literal["PASSED", "WARNED", "FAILED"]


@dataclass(frozen=True)
class Descriptor:
    """A file or another thing, by its digest (in-toto ResourceDescriptor v1)."""

    name: str
    digest: dict[str, str]


@dataclass(frozen=True)
class _Statement:
    _type: Literal["https://in-toto.io/Statement/v1"]
    subject: tuple[Descriptor, ...]
    predicateType: str
    predicate: dict[str, Any]


@dataclass(frozen=True)
class _TestResult:
    result: _Result
    configuration: tuple[Descriptor, ...]
    passedTests: tuple[str, ...]
    warnedTests: tuple[str, ...]
    failedTests: tuple[str, ...]


def files(audited: Certificate | Audits) -> tuple[Descriptor, ...]:
    """Return every model file that an audit is about."""
    return _distinct(file for c in certificates_of(audited) for file in (c.subject, c.handed_back))


def judged(audited: Certificate | Audits) -> tuple[Descriptor, ...]:
    """Return the model files that the verdict is about: the repaired one where there is one."""
    return _distinct(c.file for c in certificates_of(audited))


def audit_payload(audited: Certificate | Audits, document: dict[str, Any]) -> bytes:
    """Return the statement of an audit, as bytes to be signed.

    Args:
        audited: The audit.
        document: The same as `audit.json` has it.
    """
    return _payload(_Statement(TYPE, files(audited), AUDIT, document))


def statement_digest(audited: Certificate | Audits) -> str:
    """Return the sha256 of the statement that would be signed of an audit."""
    return _sha256(audit_payload(audited, to_document(audited)))


def result_payload(
    audited: Certificate | Audits, document: dict[str, Any], certificates: Mapping[str, str]
) -> bytes:
    """Return the statement of an audit's result, as bytes to be signed.

    Args:
        audited: The audit.
        document: The same as `audit.json` has it.
        certificates: File name of each certificate that goes with it → its sha256.
    """
    found = certificates_of(audited)
    passed, warned, failed = _tests(found)
    result = _TestResult(
        result=_result(audited),
        configuration=(
            _audit(document),
            _named(found[0].data.source, found[0].data.sha256),
            *(_named(c.trigger.id, c.trigger.sha256) for c in found),
        ),
        passedTests=passed,
        warnedTests=warned,
        failedTests=failed,
    )
    listed = [to_json(_named(name, sha256), no_array) for name, sha256 in certificates.items()]
    predicate = {**to_json(result, no_array), CERTIFICATES: listed}
    return _payload(_Statement(TYPE, judged(audited), TEST_RESULT, predicate))


def read_audit(payload: bytes) -> tuple[Certificate | Audits, dict[str, Any]]:
    """Read the statement of an audit back: the audit, and the same as `audit.json` has it.

    Raises:
        VerificationError: It is another statement, or contradicts itself.
    """
    statement = _read(payload, AUDIT)
    try:
        audited = from_document(statement.predicate)
    except InputError as error:
        raise VerificationError(f"the signed audit: {error}") from error
    if statement.subject != files(audited):
        raise VerificationError("the subjects are not the files that the signed audit is about")
    return audited, statement.predicate


def read_result(
    payload: bytes, audited: Certificate | Audits, document: dict[str, Any]
) -> dict[str, str]:
    """Hold the statement of an audit's result against the audit; return the certificates in it.

    Raises:
        VerificationError: It is another statement, or that of another audit.
    """
    statement = _read(payload, TEST_RESULT)
    predicate = dict(statement.predicate)
    try:
        listed = from_json(
            tuple[Descriptor, ...], predicate.pop(CERTIFICATES, None), no_array, "$.certificates"
        )
        result: _TestResult = from_json(_TestResult, predicate, no_array, "$.predicate")
    except InputError as error:
        raise VerificationError(f"the signed test result: {error}") from error
    if statement.subject != judged(audited) or _audit(document) not in result.configuration:
        raise VerificationError("the signed test result is that of another audit")
    if result.result != _result(audited):
        raise VerificationError("the signed test result contradicts the signed audit")
    certificates = {one.name: one.digest.get("sha256", "") for one in listed}
    if _read(result_payload(audited, document, certificates), TEST_RESULT) != statement:
        raise VerificationError("the signed test result lists other tests than the signed audit")
    return certificates


def _result(audited: Certificate | Audits) -> _Result:
    """Return what it comes to: a pass with warnings is none without, and an open audit is none."""
    if audited.verdict.status != "pass":
        return "FAILED"
    warned = any(c.verdict.warnings for c in certificates_of(audited))
    return "WARNED" if warned else "PASSED"


def _tests(found: Sequence[Certificate]) -> tuple[tuple[str, ...], ...]:
    """Return the names of the limits that are kept, that cannot be judged, and that are not kept.

    One that should have been judged and could not is not kept. Warnings stand with those that
    cannot be judged.
    """
    sorted_: tuple[list[str], ...] = ([], [], [])
    for certificate in found:
        for check in certificate.verdict.checks:
            place = 0 if check.ok else 1 if check.ok is None and not check.decisive else 2
            name = f"{certificate.trigger.id}: {check.metric}, limit {check.limit:g}"
            sorted_[place].append(name)
        for warning in certificate.verdict.warnings:
            sorted_[1].append(f"{certificate.trigger.id}: {warning.metric}: {warning.text}")
    return tuple(map(tuple, sorted_))


def _read(payload: bytes, kind: str) -> _Statement:
    try:
        statement: _Statement = from_json(_Statement, strict(payload), no_array)
    except (ValueError, InputError) as error:
        raise VerificationError(f"the payload is no in-toto statement: {error}") from error
    if statement.predicateType != kind:
        raise VerificationError(
            f"the statement is of type {statement.predicateType!r:.80}, expected {kind}"
        )
    return statement


def _payload(statement: _Statement) -> bytes:
    return dumped(to_json(statement, no_array))


def _audit(document: dict[str, Any]) -> Descriptor:
    return _named("audit.json", _sha256(dumped(document)))


def _distinct(found: Iterable[Subject | Output | None]) -> tuple[Descriptor, ...]:
    by_digest = {file.sha256: file.path for file in found if file}
    return tuple(_named(path, sha256) for sha256, path in by_digest.items())


def _named(name: str, sha256: str) -> Descriptor:
    return Descriptor(name, {"sha256": sha256})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

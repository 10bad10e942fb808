"""`audit.json`, read back: one audit, or several of one model."""

from typing import Any

from auditor.errors import InputError
from auditor.figures.coherence import check_evidence, check_target
from auditor.figures.values import MOST_AUDITS
from auditor.files.codec import from_json, to_json
from auditor.records import audits, consistency
from auditor.records.age import age
from auditor.records.audits import Audits, joined
from auditor.records.certificate import SCHEMA, Certificate
from auditor.records.pictures import pack, unpacking
from auditor.repair.coherence import check_history


def from_document(document: Any) -> Certificate | Audits:
    """Read an `audit.json` back.

    Raises:
        InputError: It is none; names the place and what is wrong there.
    """
    found = document.get("schema") if isinstance(document, dict) else None
    if found == SCHEMA:
        return read_certificate(document, "$")
    if found != audits.SCHEMA:
        raise InputError(
            f"not an audit of this version: schema is {found!r:.60}, "
            f"neither {SCHEMA} nor {audits.SCHEMA}"
        )
    listed = document.get("audits")
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_AUDITS:
        raise InputError(f"$.audits: not a list of at least one audit and at most {MOST_AUDITS}")
    read = joined([read_certificate(audit, f"$.audits[{i}]") for i, audit in enumerate(listed)])
    if set(document) != {"schema", "audits", "verdict"}:
        raise InputError("$: its keys must be schema, audits and verdict")
    first = read.audits[0]
    if any((c.subject, c.data) != (first.subject, first.data) for c in read.audits):
        raise InputError("$.audits: are not all of one model and the same images")
    if document["verdict"] != to_json(read.verdict, pack):
        raise InputError("$.verdict: is not what the audits come to")
    return read


def read_certificate(document: Any, where: str) -> Certificate:
    """Read one audit back from its place in a document.

    Raises:
        InputError: It is none; names the place and what is wrong there.
    """
    certificate = from_json(Certificate, document, unpacking(), where)
    assert isinstance(certificate, Certificate)
    try:
        age(certificate.created)
    except ValueError as error:
        raise InputError(f"{where}.created: there is no such time") from error
    _check(certificate, where)
    consistency.check(certificate, where)
    return certificate


def _check(certificate: Certificate, where: str) -> None:
    """Refuse parts that do not fit together."""
    subject, repair = certificate.subject, certificate.repair
    model = subject.classes, subject.input_shape, certificate.attention
    check_target(certificate.target, subject.classes, f"{where}.target")
    check_evidence(certificate.evidence, *model, f"{where}.evidence")
    for place, names in (("subject", subject.class_names), ("data", certificate.data.class_names)):
        if len(names) != subject.classes:
            raise InputError(
                f"{where}.{place}.class_names: {len(names)} for {subject.classes} classes"
            )
    if repair is None:
        return
    if repair.evidence is not None:
        check_evidence(repair.evidence, *model, f"{where}.repair.evidence")
    check_history(repair, subject.classes, f"{where}.repair")

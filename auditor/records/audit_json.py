"""`audit.json`, read back: one audit, or several of one model."""

from typing import Any

from auditor.errors import InputError
from auditor.figures.values import MOST_AUDITS
from auditor.files.codec import Unpacker, from_json, to_json
from auditor.records import audits, consistency
from auditor.records.age import age
from auditor.records.audits import Audits, joined
from auditor.records.certificate import SCHEMA, Certificate
from auditor.records.pictures import pack, unpacking


def from_document(document: Any) -> Certificate | Audits:
    """Read an `audit.json` back.

    Raises:
        InputError: It is none; names the place and what is wrong there.
    """
    found = document.get("schema") if isinstance(document, dict) else None
    if found == SCHEMA:
        return read_certificate(document, "$", unpacking())
    if found != audits.SCHEMA:
        raise InputError(
            f"not an audit of this version: schema is {found!r:.60}, "
            f"neither {SCHEMA} nor {audits.SCHEMA}"
        )
    listed = document.get("audits")
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_AUDITS:
        raise InputError(f"$.audits: not a list of at least one audit and at most {MOST_AUDITS}")
    unpack = unpacking()
    read = joined(
        [read_certificate(audit, f"$.audits[{i}]", unpack) for i, audit in enumerate(listed)]
    )
    if set(document) != {"schema", "audits", "verdict"}:
        raise InputError("$: its keys must be schema, audits and verdict")
    consistency.check_joint(read.audits, "$.audits")
    if document["verdict"] != to_json(read.verdict, pack):
        raise InputError("$.verdict: is not what the audits come to")
    return read


def read_certificate(document: Any, where: str, unpack: Unpacker) -> Certificate:
    """Read one audit back from its place in a document.

    Args:
        document: The audit's values.
        where: Its JSON path.
        unpack: What `unpacking` gave for the whole document, whose pictures it counts.

    Raises:
        InputError: It is none; names the place and what is wrong there.
    """
    certificate = from_json(Certificate, document, unpack, where)
    assert isinstance(certificate, Certificate)
    try:
        age(certificate.created)
    except ValueError as error:
        raise InputError(f"{where}.created: there is no such time") from error
    consistency.check(certificate, where)
    return certificate

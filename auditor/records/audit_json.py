"""`audit.json`, read back: one audit, or several of one model."""

from typing import Any

from auditor.errors import InputError
from auditor.files.codec import from_json, to_json
from auditor.records import audits, consistency
from auditor.records.age import age
from auditor.records.audits import Audits, joined
from auditor.records.canonical import schema
from auditor.records.certificate import SCHEMA, Certificate, Repair
from auditor.records.pictures import pack, unpack


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
    if not isinstance(listed, list) or not listed:
        raise InputError("$.audits: not a list of at least one audit")
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
    import jsonschema

    problem = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema()).iter_errors(document)
    )
    if problem is not None:
        raise InputError(f"{where}{problem.json_path.removeprefix('$')}: {problem.message:.200}")
    certificate = from_json(Certificate, document, unpack, where)
    assert isinstance(certificate, Certificate)
    try:
        age(certificate.created)
    except ValueError as error:
        raise InputError(f"{where}.created: there is no such time") from error
    if certificate.repair is not None:
        _check(certificate.repair)
    consistency.check(certificate, where)
    return certificate


def _check(repair: Repair) -> None:
    """Refuse what the schema cannot: watched images and epochs that do not fit together."""
    watched = repair.watched
    images = len(watched.names)
    if not images == len(watched.labels) == len(watched.stamped):
        raise InputError("$.repair.watched: not one name, label and picture an image")
    if watched.stamped.shape[1:3] != watched.outline.shape:
        raise InputError("$.repair.watched.outline: not of the pictures' size")
    for index, epoch in enumerate(repair.history):
        if not images == len(epoch.heat) == len(epoch.predicted) == len(epoch.watched_tar):
            raise InputError(f"$.repair.history[{index}]: not one heatmap a watched image")
    if repair.kept is not None and repair.kept not in [epoch.epoch for epoch in repair.history]:
        raise InputError(f"$.repair.kept: no epoch {repair.kept} in the history")

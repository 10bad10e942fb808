"""Every record as JSON bytes, always the same ones: ASCII, two spaces, keys in contract order."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from auditor.files.codec import to_json
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison
from auditor.records.diff import Diff
from auditor.records.pictures import pack
from auditor.records.search_report import SearchReport

Record = Certificate | Audits | Comparison | SearchReport | Diff


def canonical(record: Record) -> bytes:
    """Return a record as JSON; each audit in it is valid under the shipped schema."""
    return dumped(to_document(record))


def to_document(record: Record) -> dict[str, Any]:
    """Return a record as JSON values, its audits held against the schema."""
    document: dict[str, Any] = to_json(record, pack)
    for audit in _audits(record, document):
        _validate(audit)
    return document


def dumped(document: dict[str, Any]) -> bytes:
    """Return JSON values as bytes."""
    text = json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of `audit.json`."""
    text = files("auditor.records").joinpath("audit.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _audits(record: Record, document: dict[str, Any]) -> list[Any]:
    """Return the audits that a record is, or holds."""
    if isinstance(record, Certificate):
        return [document]
    if isinstance(record, Audits):
        return list(document["audits"])
    if isinstance(record, Comparison):
        repaired = [entry["certificate"] for entry in document["entries"]]
        return [document["before"], *filter(None, repaired)]
    return []


def _validate(audit: Any) -> None:
    import jsonschema

    jsonschema.Draft202012Validator(schema()).validate(audit)

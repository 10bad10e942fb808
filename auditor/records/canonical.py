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
    """Return a record as JSON; each audit in it is valid under the shipped `audit.schema.json`."""
    return dumped(to_document(record))


def to_document(record: Record) -> dict[str, Any]:
    """Return a record as JSON values."""
    document: dict[str, Any] = to_json(record, pack)
    return document


def dumped(document: dict[str, Any]) -> bytes:
    """Return JSON values as bytes."""
    text = json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of `audit.json`; what the types refuse is a little more than it."""
    text = files("auditor.records").joinpath("audit.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded

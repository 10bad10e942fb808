"""A finished audit, read back from the file that holds it, whichever kind it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from auditor.errors import InputError
from auditor.files.strict_json import strict
from auditor.records import (
    audit_json,
    audits,
    certificate,
    comparison,
    comparison_json,
    search_report,
)
from auditor.records.audit_file import MOST_BYTES, named, read_bytes, unwrapped
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison
from auditor.text import printable

Finished = Certificate | Audits | Comparison

READERS: Final[dict[str, Callable[[Any], Finished]]] = {
    certificate.SCHEMA: audit_json.from_document,
    audits.SCHEMA: audit_json.from_document,
    comparison.SCHEMA: comparison_json.from_document,
}
"""Schema → what reads it. A later version of a schema gets a line of its own beside the earlier."""


def read(path: Path) -> Finished:
    """Read an audit, the audits of several triggers or a comparison: JSON, or a PDF that holds it.

    Raises:
        InputError: It cannot be read or is none of them; names the file, the place and the reason.
    """
    content = read_bytes(path, MOST_BYTES)
    with named(path):
        return from_values(strict(unwrapped(content)))


def from_values(found: Any) -> Finished:
    """Return what JSON values hold.

    Raises:
        InputError: They are of no schema that is known, or not as their schema wants them.
    """
    schema = found.get("schema") if isinstance(found, dict) else None
    if not isinstance(schema, str) or not schema.startswith("bdaudit."):
        raise InputError('not an audit: it has no "schema" of bdaudit')
    if schema == search_report.SCHEMA:
        raise InputError("the report of a search, which only bdaudit search itself can render")
    if schema not in READERS:
        raise InputError(
            f"its schema is {printable(schema, 60)}, which this version does not know; "
            f"known are {', '.join(READERS)}"
        )
    return READERS[schema](found)

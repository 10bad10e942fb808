"""Every format that a record can be rendered in.

To add one, write a function from the record to bytes, no IO, and add its line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Final

from auditor.records.audits import Audits
from auditor.records.canonical import Record
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison
from auditor.records.diff import Diff
from auditor.records.search_report import SearchReport


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        summary: What it is, in a phrase.
        renderer: Where the function is that renders it, `module:function`.
    """

    summary: str
    renderer: str


_PAGE = "one self-contained page, no script, no outside request"
_STEP = "Markdown, for the summary of a pipeline's step"
_CANONICAL = "auditor.records.canonical:canonical"
_PDF = "auditor.report.pdf:render"

CERTIFICATE: Final[Mapping[str, Format]] = {
    "html": Format(_PAGE, "auditor.report.certificate.html:render"),
    "pdf": Format("PDF/A-3 with audit.json attached", _PDF),
    "json": Format("audit.json, for machines", _CANONICAL),
    "sarif": Format("SARIF 2.1.0, for code scanning", "auditor.report.certificate.sarif:render"),
    "xml": Format(
        "JUnit XML, for the test reports of a pipeline", "auditor.report.certificate.junit:render"
    ),
    "md": Format(_STEP, "auditor.report.certificate.markdown:render"),
    "cdx.json": Format(
        "CycloneDX 1.7, for a machine-learning bill of materials",
        "auditor.report.certificate.cyclonedx:render",
    ),
}
"""Suffix → format of an audit, or of several of one model."""

COMPARISON: Final[Mapping[str, Format]] = {
    "html": Format(_PAGE, "auditor.report.comparison.html:render"),
    "pdf": Format("PDF/A-3 with comparison.json attached", _PDF),
    "csv": Format(
        "a line for the model as it came and for each repair, plain numbers",
        "auditor.report.comparison.csv:render",
    ),
    "json": Format("comparison.json, for machines", _CANONICAL),
}
"""Suffix → format of a comparison of repairs."""

SEARCH: Final[Mapping[str, Format]] = {
    "html": Format(_PAGE, "auditor.report.search.html:render"),
    "pdf": Format("PDF/A-3 with search.json attached", _PDF),
    "json": Format("search.json, for machines", _CANONICAL),
}
"""Suffix → format of what a search found."""

DIFF: Final[Mapping[str, Format]] = {
    "html": Format(_PAGE, "auditor.report.diff.html:render"),
    "md": Format(_STEP, "auditor.report.diff.markdown:render"),
    "json": Format("every item with both values, for machines", _CANONICAL),
}
"""Suffix → format of two audits held beside each other."""

_FORMATS: Final[Mapping[type[Record], Mapping[str, Format]]] = {
    Certificate: CERTIFICATE,
    Audits: CERTIFICATE,
    Comparison: COMPARISON,
    SearchReport: SEARCH,
    Diff: DIFF,
}


def formats_of(record: Record) -> Mapping[str, Format]:
    """Return the formats that a record has."""
    return _FORMATS[type(record)]


def render(record: Record, name: str) -> bytes:
    """Return a record in one of its formats."""
    rendered: bytes = resolve_name(formats_of(record)[name].renderer)(record)
    return rendered


def ready(name: str) -> None:
    """Raise the error that rendering this format would end in for want of a system library."""
    if name == "pdf":
        from auditor.report import pdf

        pdf.ready()

"""From a certificate to bytes, no IO.

To add a format, write `report/x.py` with `render(audited) -> bytes` and add its line here.
"""

from importlib import import_module
from types import ModuleType

from auditor.audits import Audits
from auditor.certificate import Certificate

FORMATS = {
    "html": ("html", "one self-contained page, no script, no outside request"),
    "pdf": ("pdf", "PDF/A-3 with audit.json attached"),
    "json": ("json", "audit.json, for machines"),
    "sarif": ("sarif", "SARIF 2.1.0, for code scanning"),
    "xml": ("junit", "JUnit XML, for the test reports of a pipeline"),
    "md": ("markdown", "Markdown, for the summary of a pipeline's step"),
    "cdx.json": ("cyclonedx", "CycloneDX 1.7, for a machine-learning bill of materials"),
}
"""Suffix → the module `report/NAME.py` that renders it, and what it is."""


def ready(format_: str) -> None:
    """Raise the error that rendering this format would end in for want of a system library."""
    getattr(_module(format_), "ready", lambda: None)()


def render(audited: Certificate | Audits, format_: str) -> bytes:
    """Return one audit, or several of one model, in one of `FORMATS`."""
    rendered: bytes = _module(format_).render(audited)
    return rendered


def _module(format_: str) -> ModuleType:
    return import_module(f"auditor.report.{FORMATS[format_][0]}")

"""From a certificate to bytes, no IO.

To add a format, write `report/x.py` with `render(audited) -> bytes` and add its line here.
"""

from importlib import import_module

from auditor.audits import Audits
from auditor.certificate import Certificate

FORMATS = {
    "html": "one self-contained page, no script, no outside request",
    "pdf": "PDF/A-3 with audit.json attached",
    "json": "audit.json, for machines",
}
"""Suffix → what it is; each is rendered by `report/SUFFIX.py`."""


def ready(format_: str) -> None:
    """Raise the error that rendering this format would end in for want of a system library."""
    getattr(import_module(f"auditor.report.{format_}"), "ready", lambda: None)()


def render(audited: Certificate | Audits, format_: str) -> bytes:
    """Return one audit, or several of one model, in one of `FORMATS`."""
    rendered: bytes = import_module(f"auditor.report.{format_}").render(audited)
    return rendered

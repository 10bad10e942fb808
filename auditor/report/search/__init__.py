"""From the report of a search to bytes, no IO.

To add a format, write `report/search/x.py` with `render(report) -> bytes` and add its line here.
"""

from importlib import import_module

from auditor.report import pdf
from auditor.search_report import SearchReport

FORMATS = {
    "html": "one self-contained page, no script, no outside request",
    "pdf": "PDF/A-3 with search.json attached",
    "json": "search.json, for machines",
}
"""Suffix → what it is; each is rendered by `report/search/SUFFIX.py`."""


def ready(format_: str) -> None:
    """Raise the error that rendering this format would end in for want of a system library."""
    if format_ == "pdf":
        pdf.ready()


def render(report: SearchReport, format_: str) -> bytes:
    """Return the report of a search in one of `FORMATS`."""
    rendered: bytes = import_module(f"auditor.report.search.{format_}").render(report)
    return rendered

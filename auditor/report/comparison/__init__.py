"""From a comparison of repairs to bytes, no IO.

To add a format, write `report/comparison/x.py` with `render(comparison) -> bytes` and add its line
here; to add a figure, add its line to `COLUMNS` in `table.py`, which every format shows.
"""

from importlib import import_module

from auditor.comparison import Comparison
from auditor.report import pdf

FORMATS = {
    "html": "one self-contained page, no script, no outside request",
    "pdf": "PDF/A-3 with comparison.json attached",
    "csv": "a line for the model as it came and for each repair, plain numbers",
    "json": "comparison.json, for machines",
}
"""Suffix → what it is; each is rendered by `report/comparison/SUFFIX.py`."""


def ready(format_: str) -> None:
    """Raise the error that rendering this format would end in for want of a system library."""
    if format_ == "pdf":
        pdf.ready()


def render(comparison: Comparison, format_: str) -> bytes:
    """Return a comparison in one of `FORMATS`."""
    module = import_module(f"auditor.report.comparison.{format_}")
    rendered: bytes = module.render(comparison)
    return rendered

"""From two audits held beside each other to bytes, no IO.

To add a format, write `report/history/x.py` with `render(history) -> bytes` and add its line here.
"""

from importlib import import_module

from auditor.history import History

FORMATS = {
    "html": ("html", "one self-contained page, no script, no outside request"),
    "md": ("markdown", "Markdown, for the summary of a pipeline's step"),
    "json": ("json", "every item with both values, for machines"),
}
"""Suffix → the module `report/history/NAME.py` that renders it, and what it is."""


def ready(format_: str) -> None:
    """Do nothing: no format needs a system library."""


def render(history: History, format_: str) -> bytes:
    """Return two audits held beside each other in one of `FORMATS`."""
    rendered: bytes = import_module(f"auditor.report.history.{FORMATS[format_][0]}").render(history)
    return rendered

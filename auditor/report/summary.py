"""A record on a terminal: each kind's rendering, and how wide it is where there is no terminal."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rich.console import Group

from auditor.records.audits import Audits
from auditor.records.canonical import Record
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison
from auditor.records.diff import Diff
from auditor.records.search_report import SearchReport
from auditor.report.certificate import text as certificate
from auditor.report.comparison import text as comparison
from auditor.report.diff import text as diff
from auditor.report.search import text as search

_ONE_LINE: Final = 10_000

_SUMMARIES: Final[Mapping[type[Record], tuple[Callable[[Any, int], Group], int]]] = {
    Certificate: (certificate.summary, 96),
    Audits: (certificate.summary, certificate.JOINT_WIDTH),
    Comparison: (comparison.summary, comparison.WIDTH),
    SearchReport: (search.summary, 96),
    Diff: (diff.summary, _ONE_LINE),
}
"""Record → what renders it, and columns where it is not printed on a terminal."""


def summary(record: Record, width: int) -> Group:
    """Return what a terminal of so many columns shows of a record."""
    return _SUMMARIES[type(record)][0](record, width)


def width_off_terminal(record: Record) -> int:
    """Return how wide a record is where it is not printed on a terminal."""
    more = comparison.more_columns(record) if isinstance(record, Comparison) else 0
    return _SUMMARIES[type(record)][1] + more

"""A search on a terminal: the verdict, one sentence, a line a class."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from auditor.figures.skipped import Skipped
from auditor.records.search_report import SearchReport
from auditor.report.search.words import finding, headline
from auditor.report.words import COLOURS, number, percent
from auditor.search.result import FoundStamp
from auditor.text import printable

_MOST = 20
_NONE = "–"


def summary(report: SearchReport, width: int) -> Group:
    """Return what a terminal of so many columns shows of a search."""
    return Group(*_parts(report))


def _parts(report: SearchReport) -> Iterator[RenderableType]:
    yield Text(headline(report), style=COLOURS[report.status])
    yield Text(finding(report))
    if report.subject.origin:
        yield Text(f"Fetched as {printable(report.subject.origin.facts, 1000)}.")
    for note in report.found.notes:
        yield Text(f"Note: {printable(note)}")
    yield Text()
    yield _table(report.found.ranked[:_MOST])
    if len(report.found.classes) > _MOST:
        yield Text(f"The {_MOST} smallest of {len(report.found.classes)} classes.")


def _table(ranked: tuple[FoundStamp, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("class", overflow="fold")
    for column in ("smallest stamp", "index", "led there", "rounds"):
        table.add_column(column, justify="right", overflow="fold")
    table.add_column("")
    for found in ranked:
        norm = _NONE if isinstance(found.norm, Skipped) else f"{number(found.norm)} px"
        index = _NONE if isinstance(found.index, Skipped) else number(found.index)
        led = _NONE if isinstance(found.success, Skipped) else percent(found.success.value)
        cells = (printable(found.name, 40), norm, index, led, str(found.rounds))
        table.add_row(*map(Text, cells), Text("flagged" if found.flagged else "", style="red"))
    return table

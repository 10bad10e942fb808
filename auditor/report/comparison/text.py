"""A comparison on a terminal: which repair serves best, and the table."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from auditor.records.comparison import Comparison
from auditor.report.comparison.finding import broken, failures, finding, headline
from auditor.report.comparison.table import bare, cells, columns_of, rows
from auditor.report.words import COLOURS
from auditor.text import printable

WIDTH = 100
"""Columns that the table wants, but for those of what nobody may have tried."""

_EACH = 8


def more_columns(comparison: Comparison) -> int:
    """Return how many columns of a terminal the table wants beyond `WIDTH`."""
    return _EACH * sum(not column.always for column in columns_of(rows(comparison)))


def summary(comparison: Comparison, width: int) -> Group:
    """Return what a terminal of so many columns shows of a comparison."""
    return Group(*_parts(comparison))


def _parts(comparison: Comparison) -> Iterator[RenderableType]:
    yield Text(headline(comparison), style=COLOURS[comparison.outcome.status])
    yield Text(finding(comparison))
    yield Text()
    yield _table(comparison)
    yield Text("Rates in percent; * the best of its column.", style="dim")
    for name, what in broken(comparison):
        yield Text(f"{name} does not keep: {what}.")
    for name, why in failures(comparison):
        yield Text(f"{name} handed back no model: {why}")
    for entry in comparison.entries:
        repair = entry.certificate.repair if entry.certificate else None
        if entry.name == comparison.outcome.best and repair and repair.output:
            yield Text(f"The model of {printable(entry.name, 60)}: {printable(repair.output.path)}")


def _table(comparison: Comparison) -> Table:
    """Return the table, each cell short enough for all to fit beside each other."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("", no_wrap=True)
    listed = rows(comparison)
    for column in columns_of(listed):
        head = column.title.replace(" ", "\n")
        table.add_column(head, justify="right", vertical="bottom", no_wrap=True)
    for row, found in zip(listed, cells(listed), strict=True):
        figures = [
            Text(bare(cell.text) + ("*" if cell.best else " "), style="bold" if cell.best else "")
            for cell in found
        ]
        best = row.name == comparison.outcome.best
        table.add_row(Text(printable(row.name, 60), style="bold" if best else ""), *figures)
    return table

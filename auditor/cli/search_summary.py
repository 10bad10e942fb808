"""A search on a terminal: the verdict, one sentence, a line a class."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.cli.summary import COLOURS
from auditor.report.search.words import finding, headline
from auditor.report.words import number, percent
from auditor.results import Skipped
from auditor.search_report import SearchReport
from auditor.searched import Found
from auditor.text import printable

_WIDTH = 96  # off a terminal
_MOST = 20
_NONE = "–"


def show(report: SearchReport, output: Path) -> None:
    """Print the summary to standard output, in colour on a terminal."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    console.print(Text(headline(report), style=COLOURS[report.status]))
    console.print(Text(finding(report)))
    for note in report.found.notes:
        console.print(Text(f"Note: {printable(note)}"))
    console.print()
    console.print(_table(report.found.ranked[:_MOST]))
    if len(report.found.classes) > _MOST:
        console.print(Text(f"The {_MOST} smallest of {len(report.found.classes)} classes."))
    if report.trigger_file is None:
        console.print(Text("No trigger file was written."))
    else:
        console.print(Text(f"Trigger file: {printable(str(output))}"))


def _table(ranked: tuple[Found, ...]) -> Table:
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

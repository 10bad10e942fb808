"""The audit on a terminal: the verdict, one sentence, the figures."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.certificate import Certificate
from auditor.report.words import TITLES, Line, finding, headline, lines

_WIDTH = 96  # off a terminal
_COLOURS = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}


def show(certificate: Certificate) -> None:
    """Print the summary to standard output, in colour on a terminal."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    status = certificate.verdict.status
    console.print(Text(headline(certificate), style=_COLOURS[status]))
    console.print(Text(finding(certificate)))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "value", "95 % interval", "limit", "no trigger"):
        table.add_column(column, justify="left" if not column else "right", overflow="fold")
    for line in lines(certificate):
        table.add_row(*map(Text, _cells(line)))
    console.print(table)
    for check in certificate.verdict.checks:
        if check.ok is None:
            console.print(Text(f"{TITLES[check.metric]} was not judged: {check.reason}."))


def _cells(line: Line) -> tuple[str, str, str, str, str]:
    return line.name, line.value, line.interval, line.limit, line.baseline

"""The audit on a terminal: the verdict, one sentence, the figures."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.certificate import Certificate
from auditor.report.words import Line, finding, headline, lines

_COLOURS = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}


def show(certificate: Certificate) -> None:
    """Print the summary to standard output, in colour on a terminal."""
    console = Console(highlight=False)
    status = certificate.verdict.status
    console.print(Text(headline(certificate), style=_COLOURS[status]))
    console.print(Text(finding(certificate)))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "value", "95 % interval", "limit", "no trigger"):
        table.add_column(column, justify="left" if not column else "right", no_wrap=True)
    for line in lines(certificate):
        table.add_row(*map(Text, _cells(line)))
    console.print(table)
    for check in certificate.verdict.checks:
        if check.ok is None:
            console.print(Text(f"{check.metric}: {check.reason}"))


def _cells(line: Line) -> tuple[str, str, str, str, str]:
    return line.name, line.value, line.interval, line.limit, line.baseline

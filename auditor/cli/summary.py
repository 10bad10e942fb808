"""The certificate on a terminal: the verdict, one sentence, the figures; what a repair left."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.audits import Audits
from auditor.certificate import Certificate, Repair
from auditor.report.finding import finding, headline, warnings, worst_neighbour
from auditor.report.joint import JointLine, joint_headline, joint_lines, joint_notes, open_checks
from auditor.report.lines import lines
from auditor.report.words import TITLES
from auditor.text import printable

_WIDTH = 96  # off a terminal
_JOINT_WIDTH = 120  # that the table of several triggers wants
COLOURS = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}


def show(audited: Certificate | Audits) -> None:
    """Print the summary to standard output, in colour on a terminal."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    if isinstance(audited, Audits):
        _show_all(console, audited)
    else:
        _show_one(console, audited)


def _show_all(console: Console, audited: Audits) -> None:
    """Print the verdict of all triggers together, and a line for each."""
    rows = joint_lines(audited)
    if not sys.stdout.isatty():
        console.width = _JOINT_WIDTH
    console.print(Text(joint_headline(audited), style=COLOURS[audited.verdict.status]))
    console.print()
    console.print(_joint_table(rows, wide=console.width >= _JOINT_WIDTH))
    if any(row.inferred for row in rows):
        console.print(Text("? inferred: the class that most stamped images move to."))
    for note in joint_notes(audited):
        console.print(Text(note))


def _joint_table(rows: list[JointLine], *, wide: bool) -> Table:
    """Return a line a trigger; intervals, placebos and heatmap shifts where there is room."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "trigger", "target"):
        table.add_column(column, overflow="fold")
    figures = ["ASR", "no trigger", "RA", "TAR"]
    if wide:
        figures = ["ASR", "95 % interval", "no trigger", "placebo", "RA", "TAR", "shift"]
    for column in figures:
        table.add_column(column, justify="right", overflow="fold")
    for row in rows:
        cells = [
            Text(row.verdict, style=COLOURS[row.status]),
            Text(row.trigger),
            Text(row.target + (" ?" if row.inferred else "")),
        ]
        asr = Text(row.asr, style="red" if row.asr_ok is False else "")
        tar = Text(row.tar, style="red" if row.attention_ok is False else "")
        interval, without, placebo, robust, shift = map(
            Text, (row.interval, row.without, row.placebo, row.robust, row.shift)
        )
        if wide:
            table.add_row(*cells, asr, interval, without, placebo, robust, tar, shift)
        else:
            table.add_row(*cells, asr, without, robust, tar)
    return table


def _show_one(console: Console, certificate: Certificate) -> None:
    status = certificate.verdict.status
    console.print(Text(headline(certificate), style=COLOURS[status]))
    console.print(Text(finding(certificate)))
    for warning in warnings(certificate):
        console.print(Text(f"Note: {warning}"))
    console.print()
    console.print(_table(certificate))
    for check in open_checks(certificate):
        console.print(Text(f"{TITLES[check.metric]} was not judged: {check.reason}."))
    if certificate.repair is not None:
        for sentence in _left(certificate.repair):
            console.print(Text(sentence))


def _table(certificate: Certificate) -> Table:
    repaired = certificate.measurements.after is not None
    values = ("before", "after") if repaired else ("value",)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", *values, "95 % interval", "limit", "no trigger"):
        table.add_column(column, justify="left" if not column else "right", overflow="fold")
    for line in lines(certificate):
        figures = (line.before, line.value) if repaired else (line.value,)
        cells = (line.name, *figures, line.interval, line.limit, line.baseline)
        table.add_row(*map(Text, cells))
    return table


def _left(repair: Repair) -> list[str]:
    """Return what the repair left behind, a line each."""
    said = []
    if worst := worst_neighbour(repair):
        said.append(f"Strongest of {len(repair.neighbours)} neighbours of the trigger: {worst}.")
    if repair.output:
        said.append(f"Repaired model, of epoch {repair.kept}: {printable(repair.output.path)}")
    return said

"""The certificate on a terminal: the verdict, one sentence, the figures; what a repair left."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.report.certificate.check_notes import check_notes
from auditor.report.certificate.finding import finding, headline, warnings
from auditor.report.certificate.joint import (
    JointLine,
    joint_headline,
    joint_lines,
    joint_notes,
)
from auditor.report.certificate.neighbours import furthest
from auditor.report.certificate.reactivation import before, chapter
from auditor.report.lines import lines
from auditor.report.words import COLOURS
from auditor.text import printable

JOINT_WIDTH = 120
"""Columns that the table of several triggers wants."""


def summary(audited: Certificate | Audits, width: int) -> Group:
    """Return what a terminal of so many columns shows of an audit, or of several of one model."""
    parts = _of_all(audited, width) if isinstance(audited, Audits) else _of_one(audited)
    return Group(*parts)


def _of_all(audited: Audits, width: int) -> Iterator[RenderableType]:
    """Give the verdict of all triggers together, and a line for each."""
    rows = joint_lines(audited)
    yield Text(joint_headline(audited), style=COLOURS[audited.verdict.status])
    yield Text()
    yield _joint_table(rows, wide=width >= JOINT_WIDTH)
    if any(row.inferred for row in rows):
        yield Text("? inferred: the class that most stamped images move to.")
    yield from map(Text, joint_notes(audited))


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


def _of_one(certificate: Certificate) -> Iterator[RenderableType]:
    """Give the verdict, one sentence, the figures, and what a repair left."""
    yield Text(headline(certificate), style=COLOURS[certificate.verdict.status])
    yield Text(finding(certificate))
    if "; made for " in certificate.trigger.summary:  # another size is stamped than its name says
        yield Text(f"Stamped: {printable(certificate.trigger.summary, 300)}.")
    if earlier := before(certificate):
        yield Text(f"Before: {earlier}.")
    if certificate.subject.origin:
        yield Text(f"Fetched as {printable(certificate.subject.origin.facts, 1000)}.")
    for warning in warnings(certificate):
        yield Text(f"Note: {warning}")
    yield Text()
    yield _table(certificate)
    for what, why in check_notes(certificate):
        yield Text(f"{what}: {why}.")
    yield from map(Text, _left(certificate))


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


def _left(certificate: Certificate) -> list[str]:
    """Return what else opens the model, and what a repair left behind, a line each."""
    said, repair = [], certificate.repair
    if near := furthest(certificate):
        said.append(near)
    if found := chapter(certificate):
        said.append(f"Will it come back? {found.sentence}")
    if repair and repair.output:
        said.append(f"Repaired model, of epoch {repair.kept}: {printable(repair.output.path)}")
    return said

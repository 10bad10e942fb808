"""What a command says at its end, on standard output: in colour on a terminal."""

import sys

from rich.console import Console, RenderableType

from auditor.records.canonical import Record
from auditor.report.formats import render
from auditor.report.summary import summary, width_off_terminal


def conclude(record: Record, format_: str | None, *, quiet: bool) -> None:
    """Print what was found: in a format where one is given; nothing where `quiet`."""
    if format_:
        sys.stdout.buffer.write(render(record, format_))
    elif not quiet:
        show(record)


def show(record: Record) -> None:
    """Print a summary."""
    console = _console(width_off_terminal(record))
    console.print(summary(record, console.width))


def show_table(table: RenderableType, width: int) -> None:
    """Print something else, so many columns wide where there is no terminal."""
    _console(width).print(table)


def _console(width: int) -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else width)

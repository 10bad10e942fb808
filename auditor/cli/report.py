"""`bdaudit report`: render a finished audit again, or hold two beside each other."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import click

from auditor import report
from auditor.cli import compare_summary, files, finished, options, summary
from auditor.cli.audit_file import read_bytes
from auditor.comparison import Comparison
from auditor.errors import InputError, UsageError
from auditor.history import History, history
from auditor.report import comparison as comparison_report
from auditor.report import history as history_report
from auditor.report.history.words import finding
from auditor.report.model_card import into_card
from auditor.text import printable

ALL: Final = tuple(
    dict.fromkeys([*report.FORMATS, *comparison_report.FORMATS, *history_report.FORMATS])
)
_LARGEST_CARD: Final = 4 << 20


@click.command(
    epilog="Exit codes: 0 written, whatever the verdict (bdaudit gate judges) · 2 wrong command "
    "line · 3 an input was refused."
)
@click.argument("audit", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.certificates("-o", "--output", formats=ALL, what="the report")
@options.printed_as(ALL, "the report")
@click.option(
    "--into-model-card",
    "card",
    type=click.Path(path_type=Path),
    metavar="README.md",
    help="Put the audit into this Hugging Face model card, or renew it there: a marked section, "
    "and model-index results. The rest of the card stays as it is.",
)
@options.force
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
def command(audit: tuple[Path, ...], card: Path | None, **flags: Any) -> int:
    """Render a finished AUDIT again, in any format; nothing is measured.

    AUDIT is an audit.json, or a certificate in PDF, which has one attached; comparisons are
    rendered too (.html, .pdf, .csv, .json). Of two, OLD and NEW, the report says what changed
    between them (.html, .md, .json).
    """
    if len(audit) > 2:
        raise UsageError(f"{len(audit)} audits given; expected one, or two to be compared")
    outputs, printed = flags["output"], flags["format_"]
    files.check_outputs(outputs, ALL, audit, force=flags["force"])
    found = [finished.read(path) for path in audit]
    value, room = _subject(found, audit)
    formats = {path: files.format_of(path, ALL) for path in outputs}
    _check_formats([*formats.values(), *filter(None, [printed])], room)
    contents = {path: room.render(value, format_) for path, format_ in formats.items()}
    if card is not None:
        contents |= _renewed(card, value, outputs)
    files.write(contents)
    if printed:
        sys.stdout.buffer.write(room.render(value, printed))
    elif not flags["quiet"]:
        _show(value)
    return 0


def _subject(found: list[finished.Finished], paths: tuple[Path, ...]) -> tuple[Any, ModuleType]:
    """Return what is rendered, and the room of the formats that it has."""
    if len(found) == 1:
        return found[0], comparison_report if isinstance(found[0], Comparison) else report
    old, new = found
    if isinstance(old, Comparison) or isinstance(new, Comparison):
        raise InputError("a comparison of repairs has no history: give two audits")
    try:
        return history(old, new), history_report
    except InputError as error:
        shown = " and ".join(printable(str(path)) for path in paths)
        raise InputError(f"{shown}: {error}") from error


def _check_formats(wanted: Iterable[str], room: ModuleType) -> None:
    """Refuse formats that what is rendered does not have, and those that cannot work here."""
    for format_ in wanted:
        if format_ not in room.FORMATS:
            known = ", ".join(f".{known}" for known in room.FORMATS)
            raise UsageError(f".{format_} is no format of this report; it has {known}")
        room.ready(format_)


def _renewed(card: Path, value: Any, outputs: Iterable[Path]) -> dict[Path, bytes]:
    """Return the model card with the audit in it, under the path that a link leads to."""
    shown = printable(str(card))
    if isinstance(value, Comparison | History):
        raise UsageError(f"--into-model-card {shown}: takes one audit, no comparison")
    real = Path(os.path.realpath(card))
    if real in [Path(os.path.realpath(path)) for path in outputs]:
        raise UsageError(f"--into-model-card {shown}: is an output too")
    content = read_bytes(card, _LARGEST_CARD)
    try:
        return {real: into_card(content, value)}
    except InputError as error:
        raise InputError(f"{shown}: {error}") from error


def _show(value: Any) -> None:
    shows: dict[type, Callable[[Any], None]] = {
        Comparison: compare_summary.show,
        History: lambda found: click.echo(finding(found)),
    }
    shows.get(type(value), summary.show)(value)

"""`bdaudit report`: render a finished audit again, or hold two beside each other."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from auditor.cli import outputs
from auditor.cli.flags import common
from auditor.cli.summaries import conclude
from auditor.errors import InputError, UsageError
from auditor.records import reader
from auditor.records.audit_file import read_bytes
from auditor.records.canonical import Record
from auditor.records.comparison import Comparison
from auditor.records.diff import Diff, diff
from auditor.records.search_report import SearchReport
from auditor.report.certificate.model_card import into_card
from auditor.report.formats import CERTIFICATE, COMPARISON, DIFF, formats_of, ready
from auditor.text import printable

ALL: Final = tuple(dict.fromkeys([*CERTIFICATE, *COMPARISON, *DIFF]))
_LARGEST_CARD: Final = 4 << 20


@click.command(
    epilog="Exit codes: 0 written, whatever the verdict (bdaudit gate judges) · 2 wrong command "
    "line · 3 an input was refused."
)
@click.argument("audit", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@common.certificates("-o", "--output", formats=ALL, what="the report")
@common.printed_as(ALL, "the report")
@click.option(
    "--into-model-card",
    "card",
    type=click.Path(path_type=Path, readable=False),
    metavar="README.md",
    help="Put the audit into this Hugging Face model card, or renew it there: a marked section, "
    "and model-index results. The rest of the card stays as it is.",
)
@common.force
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
def command(audit: tuple[Path, ...], card: Path | None, **flags: Any) -> int:
    """Render a finished AUDIT again, in any format; nothing is measured.

    AUDIT is an audit.json, or a certificate in PDF, which has one attached; comparisons are
    rendered too (.html, .pdf, .csv, .json). Of two, OLD and NEW, the report says what changed
    between them (.html, .md, .json).
    """
    if len(audit) > 2:
        raise UsageError(f"{len(audit)} audits given; expected one, or two to be compared")
    written, printed = flags["output"], flags["format_"]
    outputs.check_outputs(written, ALL, audit, force=flags["force"])
    found = [reader.read(path) for path in audit]
    record: Record = found[0] if len(found) == 1 else _difference(found, audit)
    names = [outputs.format_of(path, ALL) for path in written]
    _check_formats([*names, *filter(None, [printed])], record)
    contents = outputs.rendered(record, written)
    if card is not None:
        contents |= _renewed(card, record, written)
    outputs.write(contents)
    conclude(record, printed, quiet=flags["quiet"])
    return 0


def _difference(found: list[reader.Finished], paths: tuple[Path, ...]) -> Diff:
    """Hold two audits beside each other."""
    old, new = found
    if isinstance(old, Comparison) or isinstance(new, Comparison):
        raise InputError("a comparison of repairs has no history: give two audits")
    try:
        return diff(old, new)
    except InputError as error:
        shown = " and ".join(printable(str(path)) for path in paths)
        raise InputError(f"{shown}: {error}") from error


def _check_formats(wanted: Iterable[str], record: Record) -> None:
    """Refuse formats that what is rendered does not have, and those that cannot work here."""
    known = formats_of(record)
    for name in wanted:
        if name not in known:
            listed = ", ".join(f".{one}" for one in known)
            raise UsageError(f".{name} is no format of this report; it has {listed}")
        ready(name)


def _renewed(card: Path, record: Record, written: Iterable[Path]) -> dict[Path, bytes]:
    """Return the model card with the audit in it, under the path that a link leads to."""
    shown = printable(str(card))
    if isinstance(record, Comparison | Diff | SearchReport):
        raise UsageError(f"--into-model-card {shown}: takes one audit, no comparison")
    real = Path(os.path.realpath(card))
    if real in [Path(os.path.realpath(path)) for path in written]:
        raise UsageError(f"--into-model-card {shown}: is an output too")
    content = read_bytes(card, _LARGEST_CARD)
    try:
        return {real: into_card(content, record)}
    except InputError as error:
        raise InputError(f"{shown}: {error}") from error

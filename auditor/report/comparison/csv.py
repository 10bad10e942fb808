"""A comparison as CSV: a line for the model as it came and for each repair, plain numbers."""

import csv
import io

from auditor.records.comparison import Comparison
from auditor.report.comparison.finding import exceeded
from auditor.report.comparison.table import COLUMNS, RepairRow, rows
from auditor.text import printable

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets compute, in full width, too.

An apostrophe before it makes it text (OWASP, CSV injection).
"""


def render(comparison: Comparison) -> bytes:
    """Return the lines, UTF-8, under a header; what is not known is empty.

    `name`, `method`, `verdict`; each figure of `COLUMNS`, a fraction where it is a rate, with its
    95 % bounds as `_low` and `_high`; `best` is 1 for the repair that serves best; `failed` is why
    a repair handed back no model; `failed_checks` are the limits that the model does not keep,
    judged as one of several. A text that a spreadsheet would compute has an apostrophe before.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = [name for c in COLUMNS for name in (c.key, *_bounds(c.key, bounded=c.bounded))]
    writer.writerow(["name", "method", "verdict", *figures, "best", "failed", "failed_checks"])
    broken = exceeded(comparison)
    for row in rows(comparison):
        checks = broken.get(row.name, []) if row.entry else []
        metrics = " ".join(check.metric for check in checks)
        writer.writerow([*_line(row, comparison.outcome.best), metrics])
    return text.getvalue().encode("utf-8")


def _bounds(key: str, *, bounded: bool) -> tuple[str, ...]:
    return (f"{key}_low", f"{key}_high") if bounded else ()


def _line(row: RepairRow, best: str | None) -> list[str]:
    entry, certificate = row.entry, row.certificate
    line = [_text(row.name), _text(entry.method) if entry else ""]
    line.append(certificate.verdict.status if certificate and row.measured else "")
    for column in COLUMNS:
        figure = column.read(row)
        values = (figure.value, figure.low, figure.high) if figure else (None, None, None)
        shown = ["" if value is None else repr(value) for value in values]
        line += shown if column.bounded else shown[:1]
    is_best = str(int(entry.name == best)) if entry else ""
    return [*line, is_best, _text(entry.failed) if entry else ""]


def _text(said: str) -> str:
    """Return a text so that no spreadsheet takes it for a formula, blanks before it or not."""
    shown = printable(said, 1000)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown

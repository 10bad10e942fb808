"""The live view: a `History` drawn for a terminal of any size, one line never wrapping."""

import textwrap
from typing import Final

from rich.console import Group
from rich.text import Text

from auditor.figures.results import Rate
from auditor.monitor import columns, lines
from auditor.monitor.columns import EpochFigure
from auditor.monitor.history import History
from auditor.monitor.sparks import sparks
from auditor.repair.result import Epoch
from auditor.report.words import duration

_FEWEST_ROWS: Final = 6
"""Where the table would have fewer, the spark lines give way to it."""


def view(history: History, width: int, height: int | None) -> Group:
    """Draw a history.

    Args:
        history: What to draw.
        width: Columns of the terminal; what is longer is shortened or left out.
        height: Lines of the terminal, which the view stays within by keeping the newest rows;
            None draws everything, as it is left at the end.
    """
    head = _head(history, width, ended=height is None)
    rows, notes = _rows(history, width), _notes(history, width)
    below = [Text(), *(_line(s, width) for s in sparks(tuple(history.epochs), width))]
    if height is not None:
        if height - len(head) - len(notes) - len(below) < min(_FEWEST_ROWS, len(rows)):
            below = []
        notes = notes[: max(0, height - len(head) - len(below) - 1)]
        rows = _newest(rows, height - len(head) - len(notes) - len(below))
    return Group(*head, *rows, *notes, *below)


def _head(history: History, width: int, *, ended: bool) -> list[Text]:
    """Return the title, the bar, how far the training is, and the table's titles."""
    return [
        _line(_fitting(lines.title(history.plan), width), width, "bold"),
        _bar(history, width),
        _line(_fitting(_progress(history, ended=ended), width), width),
        Text(),
        _line(columns.head(columns.fitting(width)), width, "dim"),
    ]


def _bar(history: History, width: int) -> Text:
    done = round(width * min(history.done / max(history.plan.steps, 1), 1.0))
    return Text.assemble(("━" * done, "cyan"), ("─" * (width - done), "dim"))


def _progress(history: History, *, ended: bool) -> list[str]:
    """Return how far the training is; the parts in the order of their weight."""
    plan, left, pace = history.plan, history.seconds_left, history.images_per_second
    parts = [f"step {history.done:,} of {plan.steps:,}"]
    if left is not None and not ended:
        parts.append(f"about {duration(left)} left")
    if history.last is not None and not ended:
        parts.append(f"epoch {history.last.epoch} of {plan.epochs}")
    parts.append(f"{history.images:,} images")
    if pace is not None:
        parts.append(f"{pace:,.0f} images/s")
    return parts


def _fitting(parts: list[str], width: int) -> str:
    """Return as many parts as fit, the last ones left out first."""
    while len(parts) > 1 and len(lines.BETWEEN.join(parts)) > width:
        parts = parts[:-1]
    return lines.BETWEEN.join(parts)


def _rows(history: History, width: int) -> list[Text]:
    """Return the table: one line an epoch, a rule where another phase begins."""
    shown = columns.fitting(width)
    rows: list[Text] = []
    phase = history.epochs[0].phase if history.epochs else ""
    for epoch in tuple(history.epochs):
        if epoch.phase != phase:
            phase = epoch.phase
            title = f"── {columns.phase(epoch)} "
            rows.append(_line(title.ljust(len(columns.head(shown)), "─"), width, "dim"))
        cells = [Text(c.cell(c.text(epoch)), _style(history, epoch, c)) for c in shown]
        rows.append(_cut(Text("  ").join(cells), width))
    return rows


def _newest(rows: list[Text], room: int) -> list[Text]:
    """Return the last rows, one of them giving way to an ellipsis where some are left out."""
    if len(rows) <= room:
        return rows
    return [Text("    …", "dim"), *rows[len(rows) - room + 1 :]] if room > 1 else rows[-1:]


def _style(history: History, epoch: Epoch, column: EpochFigure) -> str:
    """Return a colour where a figure stands against a limit."""
    plan, before, now = history.plan, history.epochs[0].clean_accuracy, epoch.clean_accuracy
    if column.title == "ASR" and isinstance(epoch.asr, Rate):
        return "green" if epoch.asr.value <= plan.max_asr else "red"
    if column.title == "TAR" and epoch.tar is not None:
        return "green" if epoch.tar <= plan.max_tar else "red"
    if column.title == "accuracy" and isinstance(before, Rate) and isinstance(now, Rate):
        return "yellow" if before.value - now.value > plan.max_accuracy_drop else "none"
    return "dim" if column.title in ("phase", "α", "seconds") else "none"


def _notes(history: History, width: int) -> list[Text]:
    """Return what was said after epochs, the newest first."""
    said = [lines.note(e) for e in reversed(tuple(history.epochs)) if e.note]
    return [_line(part, width, "yellow") for text in said for part in textwrap.wrap(text, width)]


def _line(text: str, width: int, style: str = "") -> Text:
    return _cut(Text(text, style), width)


def _cut(line: Text, width: int) -> Text:
    """Return one line that never wraps, cut with an ellipsis where it is longer than `width`."""
    line.no_wrap = True
    line.truncate(width, overflow="ellipsis")
    return line

"""A finished audit judged again by a policy, as a table or as JSON values."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from auditor.figures.verdict import Check
from auditor.records.gate import Judgement
from auditor.report.words import COLOURS, TITLES, VERDICTS, number, percent, points
from auditor.text import printable

WIDTH = 100
"""Columns where there is no terminal."""

_HELD = {True: ("held", "green"), False: ("not held", "red"), None: ("not judged", "yellow")}
_TITLES = {
    "neighbour_asr": "Strongest neighbour's ASR",
    "images": "Images",
    "age": "Age in days",
    "sandboxed": "Opened in the whole sandbox",
    "repaired": "Of a repaired model",
    "model": "About the model at hand",
    "signed": "Signed by a trusted key",
}
_YES_OR_NO = ("sandboxed", "repaired", "model", "signed")
_SHOWN: dict[str, Callable[[float], str]] = {
    "tar": number,
    "accuracy_drop": points,
    "neighbour_excess": points,
    "reactivation": points,
    "images": "{:,.0f}".format,
    "age": "{:.1f}".format,
}
"""How a figure is shown where it is no percentage."""


def document(judgement: Judgement) -> dict[str, Any]:
    """Return a judgement as JSON values."""
    judged = [{"trigger": name, **asdict(verdict)} for name, verdict in judgement.verdicts]
    return {"status": judgement.status, "policy": asdict(judgement.policy), "audits": judged}


def summary(judgement: Judgement, path: str) -> Group:
    """Return what a terminal shows.

    Args:
        judgement: What it came to.
        path: The audit, as the user gave it.
    """
    return Group(*_parts(judgement, path))


def _parts(judgement: Judgement, path: str) -> Iterator[RenderableType]:
    status = judgement.status
    yield Text(f"{VERDICTS[status].upper()}  {printable(path)}", style=COLOURS[status])
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("trigger", "check", "limit", "value", "bound", ""):
        table.add_column(column, overflow="fold")
    for trigger, verdict in judgement.verdicts:
        for check in verdict.checks:
            held, style = _HELD[check.ok]
            cells = (printable(trigger, 40), *_cells(check))
            table.add_row(*map(Text, cells), Text(held, style=style))
    yield table
    for _, verdict in judgement.verdicts:
        for check in verdict.checks:
            if check.reason:
                yield Text(f"{_title(check)}: {printable(check.reason)}.")
        for warning in verdict.warnings:
            yield Text(
                f"Warning: the backdoor {printable(warning.text)}.", style=COLOURS["inconclusive"]
            )


def _cells(check: Check) -> tuple[str, str, str, str]:
    """Return what was judged, its limit, its value and the bound that was held against it."""
    if check.metric in _YES_OR_NO:
        return _title(check), "required", "yes" if check.value else "no", ""
    shown = _SHOWN.get(check.metric, percent)
    least = "≥" if check.metric in ("clean_accuracy", "images") else "≤"
    value, bound = ("–" if v is None else shown(v) for v in (check.value, check.bound))
    return _title(check), f"{least} {shown(check.limit)}", value, bound


def _title(check: Check) -> str:
    return TITLES.get(check.metric) or _TITLES[check.metric]

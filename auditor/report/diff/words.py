"""Two audits held beside each other, in words and ready to print."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from auditor.figures.results import Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.files.origin import is_reference
from auditor.records.diff import Diff, Item, TriggerDiff, Value
from auditor.report.certificate.joint import listed
from auditor.report.words import TITLES, VERDICTS, middle, number, percent, points
from auditor.text import printable

TOPICS = {
    "verdict": "Verdict",
    "figures": "Figures",
    "limits": "Limits",
    "model": "Model",
    "data": "Images",
    "trigger": "Trigger",
    "attention": "Attention",
    "run": "Run",
}
"""Topic → its name for people, in the order in which they are told."""

_SHARED = {"model", "data", "run"}
_DIGEST = "SHA-256"
_RATIOS = {"tar", "tar_target", "tar_density", "heatmap_shift"}


@dataclass(frozen=True)
class DiffRow:
    """One item, ready to print.

    Attributes:
        topic: Its topic's name; empty where it is that of the row above.
        name: Its own.
        old: What it was; `–` where there was nothing.
        new: What it is.
        both: Both in one: once where they are the same.
        note: What to make of it.
    """

    topic: str
    name: str
    old: str
    new: str
    both: str
    note: str


def model_names(diff: Diff) -> tuple[str, str]:
    """Return both models' file names, safe to show."""
    return _name(diff.old.path), _name(diff.new.path)


def finding(diff: Diff) -> str:
    """Return what became of the model, in a sentence or two."""
    old, new = VERDICTS[diff.old.status], VERDICTS[diff.new.status]
    said = f"The verdict is still “{new.lower()}”."
    if old != new:
        said = f"The verdict was “{old.lower()}” and is now “{new.lower()}”."
    first = chapters(diff)[0]
    moved = [
        f"{_inside(title(item))} {_direction(item)}"
        for item in first.changed
        if item.topic == "figures"
    ]
    if moved:
        under = f", under {printable(first.trigger, 60)}" if len(diff.pairs) > 1 else ""
        said += f" Beyond chance{under}: {'; '.join(moved[:3])}."
    else:
        said += " No figure has moved by more than chance."
    for ids, what in (
        (diff.gone, "no longer tried"),
        (diff.added, "tried for the first time"),
    ):
        if ids:
            said += f" {listed(ids)} {'is' if len(ids) == 1 else 'are'} {what}."
    return said


def rows(items: Sequence[Item]) -> list[DiffRow]:
    """Return items ready to print, in their order."""
    found: list[DiffRow] = []
    last = ""
    for item in items:
        topic, old, new = TOPICS[item.topic], shown(item, item.old), shown(item, item.new)
        both = new if old == new else f"{old} → {new}"
        named = "" if topic == last else topic
        found.append(DiffRow(named, title(item), old, new, both, _note(item)))
        last = topic
    return found


def title(item: Item) -> str:
    """Return an item's name for people."""
    if item.name == "clean_target_rate":
        return "ModelCopy for the target without it"
    return TITLES.get(item.name, printable(item.name, 60))


def shown(item: Item, value: Value) -> str:
    """Return one of an item's values, safe to show."""
    if value is None:
        return "–"
    if isinstance(value, Skipped):
        return "not measured"
    if isinstance(value, Rate):
        return f"{percent(value.value)} ({100 * value.low:.1f} to {100 * value.high:.1f})"
    figure = number if item.name in _RATIOS else percent
    if isinstance(value, TarSummary):
        if value.median is None or value.low is None or value.high is None:
            return "undefined"
        return f"{figure(value.median)} ({figure(value.low)} to {figure(value.high)})"
    if item.topic == "verdict":
        return VERDICTS.get(str(value), printable(str(value)))
    if item.topic == "limits" and isinstance(value, int | float):
        return points(value) if item.name == "accuracy_drop" else figure(value)
    if item.name == _DIGEST:
        return f"{str(value)[:16]}…"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def chapters(diff: Diff) -> list[TriggerDiff]:
    """Return the triggers, those under which most has changed first.

    What all of them share, such as the model, is told once, in the first.
    """
    first, *rest = sorted(diff.pairs, key=lambda pair: -len(pair.changed))
    return [first, *(TriggerDiff(p.trigger, _own(p.changed), _own(p.same)) for p in rest)]


def _own(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(item for item in items if item.topic not in _SHARED)


def _note(item: Item) -> str:
    if item.topic != "figures":
        return ""
    for value in (item.new, item.old):
        if isinstance(value, Skipped):
            return printable(value.skipped)
    was, now = middle(item.old), middle(item.new)
    if not item.changed or was is None or now is None:
        return "" if item.old == item.new else "within the intervals"
    by = number(abs(now - was)) if item.name in _RATIOS else points(abs(now - was))
    return f"{'rose' if now > was else 'fell'} by {by}"


def _inside(name: str) -> str:
    """Return a title as it stands inside a sentence; an abbreviation stays as it is."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def _direction(item: Item) -> str:
    was, now = middle(item.old), middle(item.new)
    if was is None or now is None:
        return "is measured now" if was is None else "is no longer measured"
    figure = number if item.name in _RATIOS else percent
    return f"{'rose' if now > was else 'fell'} from {figure(was)} to {figure(now)}"


def _name(path: str) -> str:
    return printable(path if is_reference(path) else PurePath(path).name, 80)

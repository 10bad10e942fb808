"""Two audits held beside each other as Markdown: what changed first."""

from auditor.records.diff import Diff, Item
from auditor.report.certificate.markdown import ICONS, MOST_CHAPTERS
from auditor.report.diff.words import chapters, finding, model_names, rows
from auditor.report.markdown_text import code, escape
from auditor.report.words import VERDICTS, moment


def render(diff: Diff) -> bytes:
    """Return the summary in UTF-8."""
    said = [
        f"## {_status(diff.old.status)} → {_status(diff.new.status)}: {code(model_names(diff)[1])}",
        "",
        escape(finding(diff)),
        "",
        f"Compared are {diff.kinship}: {code(model_names(diff)[0])} of "
        f"{moment(diff.old.created)} and {code(model_names(diff)[1])} of "
        f"{moment(diff.new.created)}.",
        "",
    ]
    shown = chapters(diff)[:MOST_CHAPTERS]
    under = [f" under {code(p.trigger, 60)}" if len(diff.pairs) > 1 else "" for p in shown]
    for pair, trigger in zip(shown, under, strict=True):
        said += [f"### What changed{trigger}", "", *_changed(pair.changed), ""]
    for pair, trigger in zip(shown, under, strict=True):
        summary = f"<summary>What is the same{trigger}</summary>"
        said += ["<details>", summary, "", *_same(pair.same), "", "</details>", ""]
    if len(diff.pairs) > MOST_CHAPTERS:
        said += [f"And {len(diff.pairs) - MOST_CHAPTERS:,} triggers more.", ""]
    return ("\n".join(said[:-1]) + "\n").encode("utf-8")


def _changed(items: tuple[Item, ...]) -> list[str]:
    if not items:
        return ["Nothing."]
    return [
        "| | | before | now | |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {row.topic} | {escape(row.name)} | {escape(row.old)} | {escape(row.new)} "
            f"| {escape(row.note)} |"
            for row in rows(items)
        ),
    ]


def _same(items: tuple[Item, ...]) -> list[str]:
    return [
        "| | | | |",
        "| --- | --- | --- | --- |",
        *(
            f"| {row.topic} | {escape(row.name)} | {escape(row.both)} | {escape(row.note)} |"
            for row in rows(items)
        ),
    ]


def _status(status: str) -> str:
    return f"{ICONS[status]} {VERDICTS[status]}"

"""Two audits held beside each other as one self-contained page: no script, no outside request."""

from auditor.records.diff import Diff
from auditor.report.diff.words import chapters, finding, model_names, rows
from auditor.report.template import fill
from auditor.report.words import VERDICTS


def render(diff: Diff) -> bytes:
    """Return the page as UTF-8 HTML."""
    return page(diff).encode("utf-8")


def page(diff: Diff) -> str:
    """Return the page, everything inside it that it needs."""
    old, new = model_names(diff)
    return fill(
        "diff.html.j2",
        {
            "h": diff,
            "status": diff.new.status,
            "verdicts": (VERDICTS[diff.old.status], VERDICTS[diff.new.status]),
            "models": (old, new),
            "finding": finding(diff),
            "chapters": [
                {
                    "anchor": f"t{index}",
                    "trigger": pair.trigger,
                    "changed": rows(pair.changed),
                    "same": rows(pair.same),
                }
                for index, pair in enumerate(chapters(diff))
            ],
        },
    )

"""Two audits held beside each other as one self-contained page: no script, no outside request."""

from auditor.history import History
from auditor.report.history.words import chapters, finding, model_names, rows
from auditor.report.template import fill
from auditor.report.words import VERDICTS


def render(history: History) -> bytes:
    """Return the page as UTF-8 HTML."""
    return page(history).encode("utf-8")


def page(history: History) -> str:
    """Return the page, everything inside it that it needs."""
    old, new = model_names(history)
    return fill(
        "history.html.j2",
        {
            "h": history,
            "status": history.new.status,
            "verdicts": (VERDICTS[history.old.status], VERDICTS[history.new.status]),
            "models": (old, new),
            "finding": finding(history),
            "chapters": [
                {
                    "anchor": f"t{index}",
                    "trigger": pair.trigger,
                    "changed": rows(pair.changed),
                    "same": rows(pair.same),
                }
                for index, pair in enumerate(chapters(history))
            ],
        },
    )

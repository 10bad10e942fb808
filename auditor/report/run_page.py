"""`run.html`: a repair while it runs, as a page that renews itself; no script."""

from collections.abc import Sequence
from typing import Any

from auditor.repair.result import Epoch, Plan
from auditor.report.charts import epoch_gauges
from auditor.report.curves import curves
from auditor.report.film import film
from auditor.report.lines import epoch_lines
from auditor.report.template import fill
from auditor.report.words import duration, quoted
from auditor.text import printable

STATES = {
    "running": "Running",
    "finished": "Finished",
    "interrupted": "Interrupted",
    "failed": "Failed",
}
"""State → its name for people."""

_NEXT = {
    "running": "",
    "finished": "The training is done; the verdict is the certificate's.",
    "interrupted": "It was stopped and can be resumed with --resume.",
    "failed": "It failed; the terminal says why.",
}

_RECENT = 3
"""Epochs that the time left is estimated from: the phases differ in pace."""


def render(plan: Plan, epochs: Sequence[Epoch], state: str) -> bytes:
    """Return the page as UTF-8 HTML.

    Args:
        plan: What the repair is about to do.
        epochs: Every epoch so far, epoch 0 first; may be empty.
        state: One of `STATES`; the page renews itself while it is `running`.
    """
    return fill("run.html.j2", _view(plan.as_it_went(epochs), epochs, state)).encode("utf-8")


def _view(plan: Plan, epochs: Sequence[Epoch], state: str) -> dict[str, Any]:
    limits = plan.max_asr, plan.max_tar
    now = epochs[-1] if epochs else None
    lines = epoch_lines(epochs[-1], epochs[0], *limits) if epochs else []
    gauges = epoch_gauges(epochs[-1], epochs[0], *limits) if epochs else []
    return {
        "plan": plan,
        "epochs": epochs,
        "now": now,
        "status": state,
        "state": STATES[state],
        "next": _NEXT[state],
        "model": printable(plan.model, 80),
        "target": quoted(plan.target),
        "cards": list(zip(lines, gauges, strict=True)),
        "done": now.epoch / max(1, plan.epochs) if now else 0.0,
        "spent": sum(map(_seconds, epochs)),
        "left": _left(plan, epochs) if state == "running" else "",
        "film": film(plan.watched, epochs, None, plan.class_names, plan.target) if epochs else None,
        "curves": curves(epochs, plan.phases, None, *limits) if epochs else None,
    }


def _left(plan: Plan, epochs: Sequence[Epoch]) -> str:
    """Return the time left in words; empty before the first epoch of training is done."""
    recent = [_seconds(epoch) for epoch in epochs[1:]][-_RECENT:]
    if not recent:
        return ""
    to_come = max(0, plan.epochs - epochs[-1].epoch)
    return f"about {duration(to_come * sum(recent) / len(recent))} left"


def _seconds(epoch: Epoch) -> float:
    return epoch.training_seconds + epoch.monitoring_seconds + epoch.evaluation_seconds

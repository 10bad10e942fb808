"""A repair told in plain lines, as a log keeps them."""

from typing import Final

from auditor.monitor import columns
from auditor.monitor.history import History
from auditor.repair.result import Epoch, Plan
from auditor.report.words import duration
from auditor.text import printable

BETWEEN: Final = " · "

_COLUMNS: Final = columns.fitting(80)


def title(plan: Plan) -> list[str]:
    """Return what is repaired, and how; the parts in the order of their weight."""
    target = plan.target.name
    names = (printable(name, 60) for name in (plan.model, plan.method, plan.trigger, target))
    model, method, trigger, target = names
    images = (f"{plan.training:,} images to train on", f"{plan.validation:,} to judge by")
    return [model, f"{trigger} → {target}", method, *images]


def begin(plan: Plan) -> list[str]:
    """Return the plan and the head of the table."""
    phases = " and ".join(f"{epochs} {printable(name, 20)}" for name, epochs in plan.phases)
    return [
        f"repairing {BETWEEN.join(title(plan))}",
        f"{phases} epochs of {plan.steps_per_epoch:,} steps",
        columns.head(_COLUMNS),
    ]


def step(history: History) -> str:
    """Return how far the training is."""
    done = f"step {history.done:,} of {history.plan.steps:,}, {history.images:,} images"
    return f"{done}{_left(history, ', ')}"


def epoch(history: History, epoch: Epoch) -> list[str]:
    """Return a row of the table, and the note below it where there is one."""
    lines = [f"{columns.row(_COLUMNS, epoch)}{_left(history, '  ')}"]
    return [*lines, note(epoch)] if epoch.note else lines


def note(epoch: Epoch) -> str:
    """Return what was said after an epoch."""
    return f"epoch {epoch.epoch}: {printable(epoch.note)}"


def _left(history: History, before: str) -> str:
    left = history.seconds_left
    if left is None or history.done >= history.plan.steps:
        return ""
    return f"{before}about {duration(left)} left"

"""A repair held against itself, and against what it said it would do."""

from typing import Protocol

from auditor.errors import InputError
from auditor.figures.consistency import check_classes, check_each, check_target
from auditor.figures.values import MOST_EPOCHS
from auditor.repair.result import BEFORE, Epoch, Plan, RepairResult, Watched


class Told(Protocol):
    """What a repair's result and its certificate both have."""

    @property
    def watched(self) -> Watched:
        """The images whose heatmaps stand in the history."""

    @property
    def history(self) -> tuple[Epoch, ...]:
        """Every epoch."""

    @property
    def kept(self) -> int | None:
        """The epoch whose weights were kept."""


def check_history(told: Told, classes: int, where: str = "$") -> None:
    """Refuse a history that contradicts itself, or is of other images, epochs or classes.

    Args:
        told: What a repair did.
        classes: Number of the model's classes.
        where: JSON path of the repair.

    Raises:
        InputError: The epochs do not rise, one watched other images, names a class that the model
            has not or has a figure that cannot be, or the one that was kept is not among them.
    """
    before = -1
    check_classes(told.watched.labels, classes, f"{where}.watched.labels")
    for number, epoch in enumerate(told.history):
        here = f"{where}.history[{number}]"
        if epoch.epoch <= before:
            raise InputError(f"{here}: is epoch {epoch.epoch}; the history is out of order")
        before = epoch.epoch
        if len(epoch.heat) != len(told.watched.names):
            raise InputError(f"{here}: watched other images")
        check_classes(epoch.predicted, classes, f"{here}.predicted")
        check_each(epoch, here)
    if told.kept is not None and told.kept not in {epoch.epoch for epoch in told.history}:
        raise InputError(f"{where}.kept: no epoch {told.kept} in the history")


def check_plan(plan: Plan) -> None:
    """Refuse a plan that contradicts itself.

    Args:
        plan: What a repair is about to do.

    Raises:
        InputError: Its target or its images are of no class, or its phases cannot be told apart or
            have too many epochs.
    """
    check_target(plan.target, len(plan.class_names))
    check_classes(plan.watched.labels, len(plan.class_names), "$.watched.labels")
    names = [name for name, _ in plan.phases]
    if len(set(names)) < len(names):
        raise InputError("$.phases: two have one name")
    if plan.epochs >= MOST_EPOCHS:
        raise InputError(f"$.phases: {plan.epochs} epochs, of which {MOST_EPOCHS} are allowed")


def check_epoch(epoch: Epoch, plan: Plan) -> None:
    """Refuse an epoch that is none of a plan's, or contradicts itself.

    Args:
        epoch: What a repair tells after it.
        plan: What it said it would do.

    Raises:
        InputError: It watched other images, is of another phase, or has a figure that cannot be.
    """
    known = epoch.phase == BEFORE or epoch.phase in dict(plan.phases)
    watched = len(epoch.predicted) == len(plan.watched.names)
    if not (known and watched) or epoch.epoch > plan.epochs:
        raise InputError("an epoch is none of the plan's")
    check_classes(epoch.predicted, len(plan.class_names), "$.predicted")
    check_each(epoch, "$")


def check_result(result: RepairResult, plan: Plan) -> None:
    """Refuse a repair that is not the planned one, or contradicts itself.

    Args:
        result: What a repair did.
        plan: What it said it would do.

    Raises:
        InputError: An epoch is missing or none of the plan's, or `check_history` refuses it.
    """
    check_history(result, len(plan.class_names))
    if result.kept == 0 or result.history[-1].epoch != len(result.history) - 1:
        raise InputError("$.history: lacks an epoch, or none but the first was kept")
    if len(result.watched.names) != len(plan.watched.names):
        raise InputError("$.watched: other images than the plan's")
    phases = {epoch.phase for epoch in result.history} - {BEFORE}
    if not phases <= dict(plan.phases).keys() or len(result.history) > plan.epochs + 1:
        raise InputError("$.history: an epoch is none of the plan's")

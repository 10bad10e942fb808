"""A repair held against itself, and against what it said it would do."""

from typing import Protocol

from auditor.errors import InputError
from auditor.figures.consistency import check_classes, check_each, check_target
from auditor.figures.values import MOST_EPOCHS
from auditor.repair.result import BEFORE, Epoch, Plan, RepairData, RepairResult, Watched


class Told(Protocol):
    """What a repair's result and its certificate both have."""

    @property
    def parameters(self) -> dict[str, str | int | float | bool | None]:
        """Every option that shaped it."""

    @property
    def data(self) -> RepairData:
        """The images it used."""

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
            has not or has a figure that cannot be, or the one that was kept is not among them; or
            more images were used than there are.
    """
    before, done = -1, (0, 0)
    if told.data.training + told.data.validation > told.data.available:
        raise InputError(f"{where}.data: used more images than the {told.data.available} available")
    check_classes(told.watched.labels, classes, f"{where}.watched.labels")
    for number, epoch in enumerate(told.history):
        here = f"{where}.history[{number}]"
        if epoch.epoch <= before:
            raise InputError(f"{here}: is epoch {epoch.epoch}; the history is out of order")
        before = epoch.epoch
        if epoch.epoch >= MOST_EPOCHS or min(epoch.step - done[0], epoch.images - done[1]) < 0:
            raise InputError(f"{here}: is too late an epoch, or of fewer steps than one before")
        done = epoch.step, epoch.images
        _check_seen(epoch, told.parameters.get("batch_size"), here)
        if len(epoch.heat) != len(told.watched.names):
            raise InputError(f"{here}: watched other images")
        check_classes(epoch.predicted, classes, f"{here}.predicted")
        check_each(epoch, here)
    if told.kept is not None and told.kept not in {epoch.epoch for epoch in told.history}:
        raise InputError(f"{where}.kept: no epoch {told.kept} in the history")


def _check_seen(epoch: Epoch, batch_size: object, where: str) -> None:
    """Refuse other images than a batch for each step, or two where stamped ones stand beside it."""
    if isinstance(batch_size, int) and not isinstance(batch_size, bool):
        fewest = epoch.step * batch_size
        if not fewest <= epoch.images <= 2 * fewest:
            raise InputError(
                f"{where}.images: is {epoch.images}; {epoch.step} steps of {batch_size} clean "
                f"images see {fewest} to {2 * fewest}"
            )


def check_plan(plan: Plan) -> None:
    """Refuse a plan that contradicts itself.

    Args:
        plan: What a repair is about to do.

    Raises:
        InputError: Its target or its images are of no class, or its phases cannot be told apart or
            have too many epochs.
    """
    check_target(plan.target, plan.class_names)
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

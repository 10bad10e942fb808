"""Whether the parts of what a repair tells fit together."""

from typing import Protocol

from auditor.errors import InputError
from auditor.figures.coherence import check_classes
from auditor.repair.result import Epoch, Watched


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
    """Refuse a history of other images, of other epochs or of other classes.

    Args:
        told: What a repair did.
        classes: Number of the model's classes.
        where: Its place, for the error.

    Raises:
        InputError: The epochs do not rise, one watched other images or names a class that the model
            has not, or the one that was kept is not among them.
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
    if told.kept is not None and told.kept not in {epoch.epoch for epoch in told.history}:
        raise InputError(f"{where}.kept: no epoch {told.kept} in the history")

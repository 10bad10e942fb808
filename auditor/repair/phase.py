"""A stretch of training with one loss: what a repair method is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.repair.batches import Beside

if TYPE_CHECKING:
    from auditor.repair.objective import Trainee, Weights
    from auditor.triggers.base import Stamp


class CannotHelp(Exception):
    """A method finds, before it trains, that there is nothing it could do; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Some epochs of training, compiled once.

    Attributes:
        name: `unlearning`, `recovery`.
        epochs: How many.
        clean_weight: λ, the weight of the clean rows' cross-entropy.
        beside: What stands beside the clean rows.
        alphas: α, one an epoch: how much the rows beside weigh; none where that stays as it is.
        truth_weight: Weight of the cross-entropy of rows beside that are to be recognised, twins
            among them.
        stamps: Gives what those are stamped with, each with one of them, from the arrays of
            `begin`; None for the trigger.
        shown: How many steps in a row see the same batch.
        begin: Done once, when the phase begins, with what `prepare` made and the weights that the
            model came with: may change the network's weights, and returns the
            arrays that the phase needs for as long as it lasts; they are part of checkpoints.
        trainee: Gives the `Trainee`, from the classifier, the arrays of `begin` and the keywords of
            every `Trainee`; None for the plain one.
        optimizer: Gives the optimizer for a number of steps; None for the one of the options.
    """

    name: str
    epochs: int
    clean_weight: float = 1.0
    beside: Beside = "nothing"
    alphas: tuple[float, ...] = ()
    truth_weight: float = 1.0
    stamps: "Callable[[Weights], tuple[Stamp, ...]] | None" = None
    shown: int = 1
    begin: "Callable[[Any, Weights], Weights] | None" = None
    trainee: "Callable[..., Trainee] | None" = None
    optimizer: Callable[[int], Any] | None = None

    @property
    def stamped(self) -> bool:
        """Whether stamped rows stand beside the clean ones."""
        return self.beside != "nothing"

"""Those who watch a repair: the terminal, the run directory, TensorBoard.

The training knows none of them: it tells its plan, its steps and its epochs to whoever is given to
it. From the command line they live in the parent process, which hears it from the worker.
"""

from typing import Protocol

from auditor.repaired import Epoch, Plan, Step


class Observer(Protocol):
    """One who watches."""

    def begin(self, plan: Plan) -> None:
        """Hear what is about to be done; once, before anything else."""

    def step(self, step: Step) -> None:
        """Hear how far the training is; several times a second at most."""

    def epoch(self, epoch: Epoch) -> None:
        """Hear of a finished epoch, epoch 0 first; a resumed repair tells the old ones again."""

    def close(self) -> None:
        """Hear that no more will come, the repair finished or not; more than once is fine."""

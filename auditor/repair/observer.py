"""Those who watch a repair. The training knows none of them: it tells whoever is given to it."""

from auditor.repair.result import Epoch, Plan, Step


class Observer:
    """One who watches and does nothing: those who do something override what they hear."""

    def begin(self, plan: Plan) -> None:
        """Hear what is about to be done; once, before anything else."""

    def step(self, step: Step) -> None:
        """Hear how far the training is; several times a second at most."""

    def epoch(self, epoch: Epoch) -> None:
        """Hear of a finished epoch, epoch 0 first; a resumed repair tells the old ones again."""

    def close(self) -> None:
        """Hear that no more will come, the repair finished or not; more than once is fine."""

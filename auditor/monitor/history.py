"""What has been heard of a repair so far, and how long it will still take."""

import time
from dataclasses import dataclass, field

from auditor.repair.result import Epoch, Plan, Step


@dataclass
class History:
    """Everything that a view shows.

    The pace counts only what is done in this process: a resumed repair tells its old epochs again,
    before the first step, and they took no time here.

    Attributes:
        plan: What the repair is about to do.
        epochs: Told so far, epoch 0 first.
        last: The step heard last; None before the first.
    """

    plan: Plan
    epochs: list[Epoch] = field(default_factory=list)
    last: Step | None = None
    _first: Step | None = None
    _began: float = 0.0
    _trained: float = 0.0
    _judged: float = 0.0
    _heard: float = 0.0

    def step(self, step: Step) -> None:
        """Take in how far the training is."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._began, self._judged = step, now, 0.0
        self.last = step
        self._heard, self._trained = now, now - self._began - self._judged

    def epoch(self, epoch: Epoch) -> None:
        """Take in a finished epoch; training stood still while it was judged."""
        self.epochs.append(epoch)
        self.plan = self.plan.as_it_went(self.epochs)
        self._heard = time.monotonic()
        self._judged += _judging(epoch)

    @property
    def done(self) -> int:
        """Steps done in all, in earlier processes too."""
        return max(self.last.done if self.last else 0, self.epochs[-1].step if self.epochs else 0)

    @property
    def images(self) -> int:
        """Rows seen in all, in earlier processes too."""
        told = self.epochs[-1].images if self.epochs else 0
        return max(self.last.images if self.last else 0, told)

    @property
    def images_per_second(self) -> float | None:
        """Rows trained on a second, the time for judging apart; None until that can be told."""
        if self.last is None or self._first is None or self._trained <= 0:
            return None
        return (self.last.images - self._first.images) / self._trained

    @property
    def seconds_left(self) -> float | None:
        """Time for the steps and the judging still to come; None until that can be told."""
        if self.last is None or self._first is None or self.last.done == self._first.done:
            return None
        a_step = max(self._trained, 0.0) / (self.last.done - self._first.done)
        judging = sum(map(_judging, self.epochs)) / max(len(self.epochs), 1)
        epochs = self.plan.epochs + 1 - len(self.epochs)
        left = (self.plan.steps - self.done) * a_step + epochs * judging
        return max(0.0, left - (time.monotonic() - self._heard))


def _judging(epoch: Epoch) -> float:
    return epoch.monitoring_seconds + epoch.evaluation_seconds

"""How a repair is told from the worker to its parent: both ends.

What holds arrays is left in the scratch folder as `plan` or `epoch-N` (`exchange`), and named.
"""

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from auditor.errors import WorkError
from auditor.repair.observer import Observer
from auditor.repair.result import Epoch, Plan, Step
from auditor.worker import exchange

Tell = Callable[[dict[str, Any]], None]


class Sender(Observer):
    """The worker's end: passes on what its repair tells."""

    def __init__(self, tell: Tell, folder: Path, stop: threading.Event) -> None:
        """Take where messages go.

        Args:
            tell: Sends a message.
            folder: Where arrays are left.
            stop: Set when the parent asks to stop.
        """
        self._tell, self._folder, self._stop = tell, folder, stop

    def begin(self, plan: Plan) -> None:
        """From now on there is something to put away before this process ends."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        self._send("plan", plan, "plan")

    def step(self, step: Step) -> None:
        """Tell how far the training is."""
        self._tell({"event": "step", **asdict(step)})

    def epoch(self, epoch: Epoch) -> None:
        """Tell how an epoch went, with its heatmaps."""
        self._send("epoch", epoch, f"epoch-{epoch.epoch}")

    def _send(self, event: str, value: Plan | Epoch, name: str) -> None:
        exchange.save(value, self._folder, name)
        self._tell({"event": event, "name": name})


class Listener:
    """The parent's end: messages of a worker that is not trusted, passed on to those who watch.

    It hears one plan, then epochs from number 0 on, and steps; each is checked. Those who watch are
    closed at its end.

    Attributes:
        plan: What the worker said it would do; None until it did.
    """

    def __init__(self, observers: Sequence[Observer], folder: Path, classes: int) -> None:
        """Take who watches.

        Args:
            observers: Those who watch.
            folder: Where the worker leaves arrays.
            classes: Number of the model's classes.
        """
        self.plan: Plan | None = None
        self._observers, self._folder, self._classes = observers, folder, classes
        self._epochs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for observer in self._observers:
            observer.close()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one message.

        Raises:
            WorkError: It comes out of turn, or what it names is not what it should be.
        """
        match event, self.plan:
            case {"event": "plan", "name": "plan"}, None:
                self.plan = self._load_plan()
                self._each("begin", self.plan)
            case {"event": "step"}, Plan():
                self._each("step", exchange.step(event))
            case {"event": "epoch", "name": name}, Plan() if name == f"epoch-{self._epochs}":
                self._each("epoch", self._load_epoch(name))
                self._epochs += 1
            case _:
                raise WorkError("the worker sent a message that cannot be understood")

    def _load_plan(self) -> Plan:
        plan = exchange.load(Plan, self._folder, "plan")
        if len(plan.class_names) != self._classes:
            raise WorkError("the worker's plan is for another model")
        return plan

    def _load_epoch(self, name: str) -> Epoch:
        epoch = exchange.load(Epoch, self._folder, name, self.plan)
        if epoch.epoch != self._epochs:
            raise WorkError(f"the worker sent epoch {epoch.epoch} as number {self._epochs}")
        return epoch

    def _each(self, method: str, value: Plan | Step | Epoch) -> None:
        for observer in self._observers:
            getattr(observer, method)(value)

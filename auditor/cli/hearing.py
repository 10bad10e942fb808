"""What the parent hears of a repair: messages of a worker that is not trusted, passed on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from auditor import handoff
from auditor.errors import WorkError
from auditor.monitor import Observer
from auditor.repaired import Epoch, Plan, Step


class Ear:
    """Passes on what a worker tells of its repair to those who watch; closes them at its end.

    It tells one plan, then epochs from number 0 on, and steps. What they say lies in the scratch
    folder as `plan` and `epoch-N`, and is checked there.

    Attributes:
        plan: What the worker said it would do; None until it did.
    """

    def __init__(
        self,
        observers: list[Observer],
        folder: Path,
        classes: int,
        begins: Callable[[], object] = lambda: None,
    ) -> None:
        """Take who watches.

        Args:
            observers: Those who watch.
            folder: The scratch folder.
            classes: Number of the model's classes.
            begins: Called when the plan has come, before those who watch hear it.
        """
        self.plan: Plan | None = None
        self._observers, self._folder, self._classes = observers, folder, classes
        self._begins, self._told = begins, 0

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
                self._begins()
                self._each("begin", self.plan)
            case {"event": "step"}, Plan():
                self._each("step", handoff.step(event))
            case {"event": "epoch", "name": name}, Plan() if name == f"epoch-{self._told}":
                self._each("epoch", self._load_epoch(name))
                self._told += 1
            case _:
                raise WorkError("the worker sent a message that cannot be understood")

    def _load_plan(self) -> Plan:
        plan = handoff.load(Plan, self._folder, "plan")
        if len(plan.class_names) != self._classes:
            raise WorkError("the worker's plan is for another model")
        return plan

    def _load_epoch(self, name: str) -> Epoch:
        epoch = handoff.load(Epoch, self._folder, name, self.plan)
        if epoch.epoch != self._told:
            raise WorkError(f"the worker sent epoch {epoch.epoch} as number {self._told}")
        return epoch

    def _each(self, method: str, value: Plan | Step | Epoch) -> None:
        for observer in self._observers:
            getattr(observer, method)(value)

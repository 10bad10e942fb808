"""What a worker tells of its repair, message by message."""

import signal
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auditor import handoff
from auditor.repaired import Epoch, Plan, Step

Tell = Callable[[dict[str, Any]], None]


class Teller:
    """Passes on what a repair tells; what holds arrays goes through a file."""

    def __init__(self, tell: Tell, folder: Path, stop: threading.Event) -> None:
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
        handoff.save(value, self._folder, name)
        self._tell({"event": event, "name": name})

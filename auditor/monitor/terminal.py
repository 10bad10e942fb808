"""A repair on standard error: a live view on a terminal, plain lines off it."""

import sys
import time
from typing import Final

from rich.console import Console, Group
from rich.live import Live

from auditor.monitor import lines
from auditor.monitor.history import History
from auditor.monitor.view import view
from auditor.repair.observer import Observer
from auditor.repair.result import Epoch, Plan, Step

_SECONDS_BETWEEN_LINES: Final = 30.0


class Terminal(Observer):
    """Shows a repair to a person, or tells it to a log."""

    _history: History

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._spoke = 0.0

    def begin(self, plan: Plan) -> None:
        """Show the plan."""
        self._history = History(plan)
        # rich would take FORCE_COLOR, which continuous integration sets, for a terminal
        if sys.stderr.isatty() and not self._console.is_dumb_terminal:
            self._live = Live(
                console=self._console, get_renderable=self._draw, redirect_stdout=False
            )
            self._live.start()
        else:
            self._say(lines.begin(plan))

    def step(self, step: Step) -> None:
        """Move the bar; off a terminal, say so now and then."""
        self._history.step(step)
        if not self._live and time.monotonic() - self._spoke >= _SECONDS_BETWEEN_LINES:
            self._say([lines.step(self._history)])

    def epoch(self, epoch: Epoch) -> None:
        """Add a row to the table."""
        self._history.epoch(epoch)
        if not self._live:
            self._say(lines.epoch(self._history, epoch))

    def close(self) -> None:
        """Leave the whole table on the screen."""
        if self._live:
            live, self._live = self._live, None
            live.stop()

    def _draw(self) -> Group:
        width, height = self._console.size
        return view(self._history, width, height if self._live else None)

    def _say(self, said: list[str]) -> None:
        self._spoke = time.monotonic()
        for line in said:
            print(line, file=sys.stderr, flush=True)

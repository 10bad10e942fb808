"""The seconds that probes may take: looked at after every step, and kept."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from auditor.measure.progress import Progress

PHASE = "trying what brings the backdoor back"


class NoTime(Exception):
    """What is left of the budget does not reach; its text says so to a person."""


class Budget:
    """What is left of the seconds, and how far the work is."""

    def __init__(
        self,
        seconds: float,
        steps: int,
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to count.

        Args:
            seconds: That there are.
            steps: Of all that may be done.
            progress: Told how many of them are.
            clock: Tells the time in seconds.
        """
        self._seconds, self._steps, self._progress, self._clock = seconds, steps, progress, clock
        self._began = clock()
        self._done = 0
        self._known: dict[str, float] = {}

    @property
    def spent(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._began

    def check(self) -> None:
        """Stop where the time is over.

        Raises:
            NoTime: It is.
        """
        if self.spent > self._seconds:
            raise NoTime(f"the budget of {self._seconds:g} s was used up")

    @contextmanager
    def work(self, kind: str, steps: int) -> Iterator[Callable[[], None]]:
        """Open a piece of work that is worth nothing unless it is finished.

        Args:
            kind: Pieces of one kind take as long as each other.
            steps: Of this piece.

        Yields:
            What to call after each step.

        Raises:
            NoTime: It does not fit, by what the last of its kind took, or its own last step.
        """
        end, began, last = self._done + steps, self._clock(), self._clock()

        def step() -> None:
            nonlocal last
            now = self._clock()
            took, last = now - last, now
            self._done += 1
            self._progress(PHASE, self._done, self._steps)
            if self._done > end - steps + 1:  # the first step compiles, and says little
                self._need(took * (end - self._done))

        try:
            self._need(self._known.get(kind, 0.0))
            yield step
            self._known[kind] = self._clock() - began
        finally:
            self._done = end
            self._progress(PHASE, self._done, self._steps)

    def _need(self, seconds: float) -> None:
        left = self._seconds - self.spent
        if left <= 0 or seconds > left:
            more = f": it takes about {seconds:.0f} s more" if seconds > max(left, 0) else ""
            raise NoTime(f"the budget of {self._seconds:g} s does not reach{more} (--probe-budget)")

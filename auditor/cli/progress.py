"""Progress on standard error: a bar with the time left on a terminal, plain lines off it."""

import sys
import time
from typing import Any, Self

import click

from auditor.measure.progress import Progress, silent
from auditor.repair.observer import Observer
from auditor.repair.result import Plan
from auditor.text import visible

_SECONDS_BETWEEN_LINES = 10.0


def say(line: str) -> None:
    """Say what the user must know, on standard error; names in it may come from anywhere."""
    click.echo(f"bdaudit: {visible(line)}", err=True)


def log(text: str) -> None:
    """Show a worker's own log, on standard error."""
    click.echo(visible(text, keep="\n"), err=True)


class Display:
    """Shows how far work is; called with (phase, done, total), where a total of 0 means unknown.

    As a context manager it takes the bar away at its end; so does `pause`, until the next call.
    """

    def __init__(self, *, show: bool) -> None:
        """Show nothing yet.

        Args:
            show: Whether to show anything at all.
        """
        self._bar: _Bar | None = _Bar() if show and sys.stderr.isatty() else None
        self._tell: Progress = self._bar or (_Lines() if show else silent)

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Show how far it is."""
        self._tell(visible(phase), done, total)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def pause(self) -> None:
        """Take the bar away, for whatever is shown next."""
        if self._bar:
            self._bar.stop()


class HideBar(Observer):
    """Takes the bar away when a repair's training begins, which has a view of its own."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def begin(self, plan: Plan) -> None:
        """Take it away."""
        self._display.pause()


class _Bar:
    """One bar, which begins anew with every phase."""

    def __init__(self) -> None:
        self._shown: Any = None
        self._task: Any = None
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        if self._shown is None:
            self._start()
        if phase != self._phase:
            self._phase = phase
            self._shown.reset(self._task, description=phase, total=total or None)
        count = f"{done:,} of {total:,}" if total else ""
        self._shown.update(self._task, completed=done, total=total or None, count=count)

    def stop(self) -> None:
        if self._shown is not None:
            self._shown.stop()
        self._shown, self._phase = None, ""

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._shown = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._shown.start()
        self._task = self._shown.add_task("starting", total=None, count="")


class _Lines:
    """A line when a phase begins or ends, and one now and then."""

    def __init__(self) -> None:
        self._began = self._last = 0.0
        self._phase, self._over = "", False

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._over, self._began, self._last = phase, False, now, now
            if not total:
                print(f"{phase} …", file=sys.stderr, flush=True)
        due = done == total or now - self._last >= _SECONDS_BETWEEN_LINES
        if total and not self._over and due:
            self._last, self._over = now, done == total
            left = (now - self._began) * (total - done) / max(done, 1)
            remaining = f", about {left:.0f} s left" if done < total else ""
            line = f"{phase}: {done:,} of {total:,} ({done / total:.0%}){remaining}"
            print(line, file=sys.stderr, flush=True)

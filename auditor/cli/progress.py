"""Progress on standard error: a bar with the time left on a terminal, plain lines off it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Progress = Callable[[str, int, int], None]

_SECONDS_BETWEEN_LINES = 10.0


def say(line: str) -> None:
    """Say what the user must know, on standard error."""
    click.echo(f"bdaudit: {line}", err=True)


@contextmanager
def progress(*, show: bool) -> Iterator[Progress]:
    """Give a function to tell (phase, done, total); a total of 0 means unknown."""
    if not show:
        yield lambda phase, done, total: None
    elif sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, count="")
        current = ["starting"]

        def tell(phase: str, done: int, total: int) -> None:
            if phase != current[0]:
                current[0] = phase
                bar.reset(task, description=phase, total=total or None)
            count = f"{done:,} of {total:,}" if total else ""
            bar.update(task, completed=done, total=total or None, count=count)

        yield tell


def _lines() -> Progress:
    started = last = 0.0
    current, over = "", False

    def tell(phase: str, done: int, total: int) -> None:
        nonlocal started, last, current, over
        now = time.monotonic()
        if phase != current:
            current, over, started, last = phase, False, now, now
            if not total:
                print(f"{phase} …", file=sys.stderr, flush=True)
        if total and not over and (done == total or now - last >= _SECONDS_BETWEEN_LINES):
            last, over = now, done == total
            left = (now - started) * (total - done) / max(done, 1)
            remaining = f", about {left:.0f} s left" if done < total else ""
            line = f"{phase}: {done:,} of {total:,} ({done / total:.0%}){remaining}"
            print(line, file=sys.stderr, flush=True)

    return tell

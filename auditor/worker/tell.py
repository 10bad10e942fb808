"""What a job is given, and how it tells how far it is."""

from collections.abc import Callable
from typing import Any

Tell = Callable[[dict[str, Any]], None]
Job = dict[str, Any]


def progress(tell: Tell) -> Callable[[str, int, int], None]:
    """Return what tells a phase, and how much of it is done."""

    def told(phase: str, done: int, total: int) -> None:
        tell({"event": "progress", "phase": phase, "done": done, "total": total})

    return told

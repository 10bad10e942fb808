"""The use cases, one a file: each does all of its work, and needs no terminal.

A use case is given what is wanted. It tells how far it is (`progress`), what the user must know
(`notify`, a line), and to those who watch a repair how that goes (`observers`).
"""

from collections.abc import Callable

Notify = Callable[[str], None]
"""Told a line for a person."""


def ignore(line: str) -> None:
    """Notify nobody."""

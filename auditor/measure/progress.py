"""How far long work is, told to whoever asks."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is; 0 for not known."""


def silent(phase: str, done: int, total: int) -> None:
    """Tell nobody."""

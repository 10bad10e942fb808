"""One thing that `bdaudit doctor` looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MachineFinding:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: Whether it works; None for something that audits do without.
        text: What was found.
        mend: The command that mends it; empty where nothing is wrong.
    """

    name: str
    ok: bool | None
    text: str
    mend: str = ""


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says; its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]

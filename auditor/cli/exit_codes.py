"""What a verdict makes a command exit with."""

from typing import Final

from auditor.figures.verdict import Status

EXIT: Final[dict[Status, int]] = {"pass": 0, "fail": 1, "inconclusive": 4}


def exit_code(status: Status, *, exit_zero: bool) -> int:
    """Return the exit code of a verdict; 0 where that is asked for whatever it is."""
    return 0 if exit_zero else EXIT[status]

"""What limits say of figures: each held against its figure, and what they come to together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from auditor.files.constraints import Length, stated

Status = Literal["pass", "fail", "inconclusive"]
"""What limits say: each is kept; one is exceeded; or one could not be judged, and none is
exceeded."""


@dataclass(frozen=True)
class Check:
    """One limit held against one figure.

    Attributes:
        metric: Name of the figure in `measurements`.
        limit: The limit, in the figure's unit.
        value: The figure; None when it was not measured.
        bound: The end of its interval that was judged.
        ok: True within, False beyond, None when it could not be judged.
        decisive: Whether the verdict waits for this check; False where the figure cannot exist or
            reach the limit (no spatial layer), so the verdict rests on the others.
        reason: Why `ok` is None; empty otherwise.
    """

    metric: str
    limit: float
    value: float | None
    bound: float | None
    ok: bool | None
    decisive: bool = stated(True)
    reason: str = stated("")


@dataclass(frozen=True)
class Verdict:
    """What the limits say."""

    status: Status
    checks: Annotated[tuple[Check, ...], Length(100, of="checks")] = stated(())

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Self:
        """Return what checks come to.

        `fail` if any limit is exceeded; else `inconclusive` if a decisive one could not be judged;
        else `pass`.
        """
        held = tuple(checks)
        if any(check.ok is False for check in held):
            return cls("fail", held)
        if any(check.ok is None and check.decisive for check in held):
            return cls("inconclusive", held)
        return cls("pass", held)

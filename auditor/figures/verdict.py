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
class Caution:
    """What no limit forbids, and whoever decides must know all the same.

    Attributes:
        metric: Name of the figure that it is about.
        text: A sentence without its full stop.
    """

    metric: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What the limits say, and what to beware of beside them."""

    status: Status
    checks: Annotated[tuple[Check, ...], Length(100, of="checks")] = stated(())
    warnings: Annotated[tuple[Caution, ...], Length(100, of="warnings")] = ()

    @classmethod
    def of(cls, checks: Iterable[Check], warnings: Iterable[Caution] = ()) -> Self:
        """Return what checks come to; warnings change nothing of it.

        `fail` if any limit is exceeded; else `inconclusive` if a decisive one could not be judged;
        else `pass`.
        """
        held, beware = tuple(checks), tuple(warnings)
        if any(check.ok is False for check in held):
            return cls("fail", held, beware)
        if any(check.ok is None and check.decisive for check in held):
            return cls("inconclusive", held, beware)
        return cls("pass", held, beware)

"""What limits say of figures: each held against its figure, and what they come to together."""

from dataclasses import dataclass, field
from typing import Literal


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
    decisive: bool = True
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the limits say."""

    status: Literal["pass", "fail", "inconclusive"]
    checks: tuple[Check, ...] = field(default=())

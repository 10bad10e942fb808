"""How old an audit is, and whether that is young enough."""

from datetime import UTC, datetime, timedelta

_AHEAD = timedelta(minutes=10)
"""That another machine's clock may be ahead; an audit of tomorrow is no young one."""


def age(created: str, now: datetime | None = None) -> timedelta:
    """Return how old an audit is.

    Args:
        created: When it was made, as an audit says it, in UTC.
        now: The time that its age is reckoned to, with a zone; None for the clock's.
    """
    return (now or datetime.now(UTC)) - datetime.fromisoformat(created)


def young(old: timedelta, days: float) -> bool:
    """Whether an age is at most so many days, and not of the future."""
    return -_AHEAD <= old <= timedelta(days=days)

"""Several audits of one model in one run: a certificate for each trigger, and a joint verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from auditor.figures.verdict import Status
from auditor.records.certificate import Certificate

SCHEMA: Final = "bdaudit.audits/v1"


@dataclass(frozen=True)
class JointVerdict:
    """What all audits come to: `fail` if one fails, else `inconclusive` if one is, else `pass`.

    Attributes:
        status: Of all together.
        fail: Ids of the triggers under which a limit is exceeded.
        inconclusive: Ids of those under which a limit could not be judged.
    """

    status: Status
    fail: tuple[str, ...]
    inconclusive: tuple[str, ...]


@dataclass(frozen=True)
class Audits:
    """The audits of one run, in the order in which their triggers were given.

    Model, data and environment are the same in all of them.
    """

    schema: Literal["bdaudit.audits/v1"]
    audits: tuple[Certificate, ...]
    verdict: JointVerdict


def certificates_of(audited: Certificate | Audits) -> tuple[Certificate, ...]:
    """Return the certificates, one a trigger."""
    return audited.audits if isinstance(audited, Audits) else (audited,)


def joined(audits: Sequence[Certificate]) -> Audits:
    """Put the certificates of one run together; at least one."""
    fail, inconclusive = (
        tuple(c.trigger.id for c in audits if c.verdict.status == status)
        for status in ("fail", "inconclusive")
    )
    status: Status = "pass"
    if inconclusive:
        status = "inconclusive"
    if fail:
        status = "fail"
    return Audits(SCHEMA, tuple(audits), JointVerdict(status, fail, inconclusive))

"""A finished audit held against a policy: the limits, and what else a release asks for.

Nothing is measured here: the audit's own figures are judged again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auditor.figures.policy import REACTIVATION, Limits, drop_at_most, drop_of, judge
from auditor.figures.results import Rate
from auditor.figures.verdict import Check, Status, Verdict
from auditor.probe.comebacks import comebacks
from auditor.records.age import age, young
from auditor.records.certificate import Certificate

_DAY = timedelta(days=1)
_LIMIT = Limits.max_neighbour_asr
_WHOLE = re.compile(r"confined by Landlock \(version \d+\) and seccomp$")


@dataclass(frozen=True, kw_only=True)
class Policy(Limits):
    """What an audit must show.

    Attributes:
        max_neighbour_asr: As in `Limits`, and of any audit that tried neighbours; None for its
            default, and for no limit of audits by versions that knew no controls: with one, the
            neighbours' own ASR is held against it.
        min_images: Fewest images that it was measured on; None for any number.
        max_age: Days that it may be old; None for any age.
        sandboxed: Whether the model must have been opened in the whole sandbox.
        repaired: Whether it must be of a repaired model.
    """

    max_neighbour_asr: float | None = None
    min_images: int | None = None
    max_age: float | None = None
    sandboxed: bool = False
    repaired: bool = False


@dataclass(frozen=True)
class Judgement:
    """What a policy says of the audits of one run.

    Attributes:
        policy: The policy.
        verdicts: Each trigger's id, and what is said of its audit.
    """

    policy: Policy
    verdicts: tuple[tuple[str, Verdict], ...]

    @property
    def status(self) -> Status:
        """What they come to: `fail` if one fails, else `inconclusive` if one is, else `pass`."""
        found = {verdict.status for _, verdict in self.verdicts}
        if "fail" in found:
            return "fail"
        return "inconclusive" if "inconclusive" in found else "pass"


def gated(certificate: Certificate, policy: Policy, now: datetime) -> Verdict:
    """Judge an audit again.

    Args:
        certificate: The audit.
        policy: What it must show.
        now: The time that its age is reckoned to, with a zone.
    """
    given, near = policy.max_neighbour_asr, certificate.judged_evidence.neighbours
    limits = policy if given is not None else replace(policy, max_neighbour_asr=_LIMIT)
    classes = certificate.subject.classes
    back = comebacks(certificate.reactivation)
    measured = judge(certificate.judged, limits, classes, neighbours=near, comebacks=back)
    demands = _demands(certificate, policy, now)
    return Verdict.of((*measured.checks, *_drop(certificate, policy), *demands), measured.warnings)


def _drop(certificate: Certificate, policy: Policy) -> Iterator[Check]:
    """Judge the fall in accuracy again, whose upper end the audit has."""
    after, limit = certificate.measurements.after, policy.max_accuracy_drop
    for check in certificate.verdict.checks:
        if check.metric != "accuracy_drop" or after is None:
            continue
        drop = drop_of(check, after.clean_accuracy)
        if drop is None:
            yield replace(check, limit=limit, ok=None)
        else:
            yield drop_at_most(drop, after.clean_accuracy, limit)


def _demands(certificate: Certificate, policy: Policy, now: datetime) -> Iterator[Check]:
    """Give the checks that are about the audit itself."""
    if policy.max_neighbour_asr is not None and not certificate.judged_evidence.neighbours:
        yield _neighbours(certificate, policy.max_neighbour_asr)
    if policy.max_reactivation is not None and certificate.reactivation is None:
        reason = (
            "it was not tried what brings the backdoor back: bdaudit probe, or bdaudit repair "
            "with --probe"
        )
        yield Check(REACTIVATION, policy.max_reactivation, None, None, None, reason=reason)
    if policy.min_images is not None:
        count = certificate.data.images
        yield Check("images", policy.min_images, count, count, count >= policy.min_images)
    if policy.max_age is not None:
        old = age(certificate.created, now)
        days = old / _DAY
        yield Check("age", policy.max_age, days, days, young(old, policy.max_age))
    if policy.sandboxed:
        whole = bool(_WHOLE.search(certificate.safety.sandbox))
        yield Check("sandboxed", 1, float(whole), float(whole), whole)
    if policy.repaired:
        handed_back = certificate.handed_back is not None
        yield Check("repaired", 1, float(handed_back), float(handed_back), handed_back)


def _neighbours(certificate: Certificate, limit: float) -> Check:
    """Hold the strongest neighbour's upper bound against the limit, where nothing says more."""
    found = certificate.repair.neighbours if certificate.repair else ()
    known = [row.after for row in found if isinstance(row.after, Rate)]
    if not known:
        reason = (
            "no neighbours were tried: a repair tries them, bdaudit scan and probe with "
            "--neighbours do"
        )
        return Check("neighbour_excess", limit, None, None, None, reason=reason)
    worst = max(known, key=lambda rate: rate.high)
    return Check("neighbour_asr", limit, worst.value, worst.high, worst.high <= limit)

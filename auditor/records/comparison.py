"""Several repairs of one model side by side: what each came to, and which serves best."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from auditor.figures.policy import drop_of, judge
from auditor.figures.results import Measurement, Rate
from auditor.figures.values import Amount, Count, Seconds
from auditor.figures.verdict import Status, Verdict
from auditor.probe.comebacks import comebacks
from auditor.records.certificate import Certificate, neighbours_of
from auditor.records.consistency import limits_of
from auditor.repair.selection import FORGOTTEN

SCHEMA: Final = "bdaudit.comparison/v1"


@dataclass(frozen=True)
class Entry:
    """One repair.

    Attributes:
        name: Its name in the comparison: the method's, or that of a variant of it.
        method: Name of the method.
        certificate: What it came to; None where it failed on the way.
        failed: Why it handed back no model; empty where it did.
        seconds: That it took.
        images: Rows, clean and stamped, that its training has seen.
    """

    name: str
    method: str
    certificate: Certificate | None
    failed: str
    seconds: Seconds
    images: Count

    @property
    def after(self) -> Measurement | None:
        """The figures of the model that it handed back; None where it handed back none."""
        return self.certificate.measurements.after if self.certificate else None


@dataclass(frozen=True)
class Outcome:
    """What a comparison comes to.

    Attributes:
        status: `pass` if a repaired model keeps every limit, else `inconclusive` if one could not
            be judged, else `fail`; where no repair was tried, that of the model as it came.
        passed: Names of the repairs whose models keep every limit.
        forgotten: Names of those whose models have forgotten the trigger: the lower bound of their
            ASR is at most their clean target rate and half a point.
        best: Of those, the one with the highest sum of clean accuracy and accuracy under the
            trigger; None where there is none.
        among: Among how many `passed` was judged, with intervals that hold for all of them at once;
            1 in a comparison of an earlier version, which judged each by itself.
        flattery: By how much, at most, that sum looks better on average for having chosen by it;
            None where there was no choice, and in a comparison of an earlier version.
    """

    status: Status
    passed: tuple[str, ...]
    forgotten: tuple[str, ...]
    best: str | None
    among: Count = 1
    flattery: Amount | None = None


@dataclass(frozen=True)
class Comparison:
    """Repairs of one model with the same images, budget and seed, in the order given.

    Attributes:
        schema: Its version.
        before: The model as it came; its audit is where every repair starts from.
        entries: The repairs; none where the model does not answer to the trigger.
        outcome: What they come to.
    """

    schema: Literal["bdaudit.comparison/v1"]
    before: Certificate
    entries: tuple[Entry, ...]
    outcome: Outcome


def compared(before: Certificate, entries: Sequence[Entry], *, alone: bool = False) -> Comparison:
    """Put repairs of one model side by side.

    Args:
        before: The model as it came.
        entries: Its repairs.
        alone: Whether each is judged as if it were the only one, as earlier versions did.
    """
    among = 1 if alone else max(1, len(entries))
    verdicts = {e.name: verdict_among(e, among).status for e in entries if e.after}
    handed_back = {e.name: e.after for e in entries if e.after}
    served = {name: _service(after) for name, after in handed_back.items()}
    gone = {name: service for name, service in served.items() if service is not None}
    best = max(gone, key=lambda name: gone[name], default=None)
    chosen = handed_back[best] if best and len(gone) > 1 and not alone else None
    outcome = Outcome(
        status=_status(before, entries, verdicts.values()),
        passed=tuple(name for name, verdict in verdicts.items() if verdict == "pass"),
        forgotten=tuple(gone),
        best=best,
        among=among,
        flattery=_flattery(chosen, len(gone)) if chosen else None,
    )
    return Comparison(SCHEMA, before, tuple(entries), outcome)


def comparable(one: Certificate, other: Certificate) -> bool:
    """Whether two audits are of the same model, as it came, under the same trigger and images."""
    return _ground(one) == _ground(other)


def _ground(certificate: Certificate) -> tuple[object, ...]:
    """Return what an audit is about, by digests: paths may be written in several ways."""
    c = certificate
    return c.subject.sha256, c.data.sha256, c.data.images, c.trigger.sha256, c.target


def _status(before: Certificate, entries: Sequence[Entry], found: Collection[Status]) -> Status:
    if not entries:
        return before.verdict.status
    if "pass" in found:
        return "pass"
    return "inconclusive" if "inconclusive" in found else "fail"


def verdict_among(entry: Entry, among: int) -> Verdict:
    """Judge a repair as one of several, of which any that passes will do.

    Eight repairs whose true ASR is the limit would pass 19 times in 100 if each was judged alone.

    Args:
        entry: A repair that handed back a model.
        among: How many there are.
    """
    certificate = entry.certificate
    assert certificate and certificate.measurements.after
    after, said = certificate.measurements.after, certificate.verdict
    if among == 1:
        return said
    falls = (drop_of(c, after.clean_accuracy) for c in said.checks if c.metric == "accuracy_drop")
    drop = next(falls, None)
    limits, near = limits_of(said.checks), neighbours_of(certificate)
    back, classes = comebacks(certificate.reactivation), certificate.subject.classes
    return judge(after, limits, classes, drop, among, near, back)


def _flattery(best: Measurement, among: int) -> float:
    """Return the most that the largest of several estimates lies above its own truth on average.

    The mean of the largest of k normal errors is at most σ √(2 ln k). Both accuracies are of the
    same images; their errors may go together.
    """
    rates = [r for r in (best.clean_accuracy, best.robust_accuracy) if isinstance(r, Rate)]
    error = sum(math.sqrt(r.value * (1 - r.value) / r.n) for r in rates)
    return error * math.sqrt(2 * math.log(among))


def _service(after: Measurement) -> float | None:
    """Return accuracy with and without the trigger, summed; None where it is not forgotten."""
    rates = (after.asr, after.clean_target_rate, after.clean_accuracy, after.robust_accuracy)
    known = [rate for rate in rates if isinstance(rate, Rate)]
    if len(known) < len(rates):
        return None
    asr, bare, clean, robust = known
    return clean.value + robust.value if asr.low <= bare.value + FORGOTTEN else None

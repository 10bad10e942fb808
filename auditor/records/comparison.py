"""Several repairs of one model side by side: what each came to, and which serves best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from auditor.figures.results import Measurement, Rate
from auditor.figures.values import Count, Seconds
from auditor.figures.verdict import Status
from auditor.records.certificate import Certificate
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
    """

    status: Status
    passed: tuple[str, ...]
    forgotten: tuple[str, ...]
    best: str | None


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


def compared(before: Certificate, entries: Sequence[Entry]) -> Comparison:
    """Put repairs of one model side by side."""
    handed_back = {e.name: e.after for e in entries if e.after is not None}
    served = {name: _service(after) for name, after in handed_back.items()}
    gone = {name: service for name, service in served.items() if service is not None}
    outcome = Outcome(
        status=_status(before, entries),
        passed=tuple(e.name for e in entries if e.after and _verdict(e) == "pass"),
        forgotten=tuple(gone),
        best=max(gone, key=lambda name: gone[name], default=None),
    )
    return Comparison(SCHEMA, before, tuple(entries), outcome)


def comparable(one: Certificate, other: Certificate) -> bool:
    """Whether two audits are of the same model, as it came, under the same trigger and images."""
    return _ground(one) == _ground(other)


def _ground(certificate: Certificate) -> tuple[object, ...]:
    """Return what an audit is about, by digests: paths may be written in several ways."""
    c = certificate
    return c.subject.sha256, c.data.sha256, c.data.images, c.trigger.sha256, c.target


def _status(before: Certificate, entries: Sequence[Entry]) -> Status:
    if not entries:
        return before.verdict.status
    found = {_verdict(entry) for entry in entries if entry.after}
    if "pass" in found:
        return "pass"
    return "inconclusive" if "inconclusive" in found else "fail"


def _verdict(entry: Entry) -> str:
    return entry.certificate.verdict.status if entry.certificate else "fail"


def _service(after: Measurement) -> float | None:
    """Return accuracy with and without the trigger, summed; None where it is not forgotten."""
    rates = (after.asr, after.clean_target_rate, after.clean_accuracy, after.robust_accuracy)
    known = [rate for rate in rates if isinstance(rate, Rate)]
    if len(known) < len(rates):
        return None
    asr, bare, clean, robust = known
    return clean.value + robust.value if asr.low <= bare.value + FORGOTTEN else None

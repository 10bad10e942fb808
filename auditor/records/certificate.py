"""The certificate: everything that was found, bound to the files that it is about."""

import math
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Annotated, Final, Literal

from auditor.figures import metrics
from auditor.figures.facts import AttentionFacts, DataFacts, TriggerFacts
from auditor.figures.results import AuditResult, Evidence, Measurement, Neighbour, Rate
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.figures.values import (
    MOST_EPOCHS,
    MOST_SHOWN,
    Amount,
    Count,
    Seconds,
    Sha256,
    Share,
    Time,
)
from auditor.figures.verdict import Verdict
from auditor.files.constraints import Length, Range, stated
from auditor.probe.result import BeforeRepair, Reactivation, TuningData
from auditor.records.provenance import Environment, Provenance, Safety, Subject, Tool, now
from auditor.repair.result import Epoch, RepairData, RepairResult, Watched

SCHEMA: Final = "bdaudit.audit/v1"


@dataclass(frozen=True)
class Measurements:
    """The figures before a repair, and after it where there was one."""

    before: Measurement
    after: Measurement | None = stated(None)


@dataclass(frozen=True)
class Output:
    """The repaired model file that was handed back."""

    path: str
    sha256: Sha256
    bytes: Count

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePath(self.path).name


@dataclass(frozen=True)
class NeighbourRow:
    """ASR of one of the trigger's neighbours, before and after the repair."""

    name: str
    before: Rate | Skipped
    after: Rate | Skipped


@dataclass(frozen=True)
class Repair:
    """What a repair did (`repair/result.py` has the fields it shares with `RepairResult`).

    Attributes:
        method: Name of the method.
        parameters: Every option that shaped it.
        output: The file handed back; None when nothing was: the repair did not help.
        data: The clean images it used.
        watched: The images whose heatmaps stand in `history`.
        history: Every epoch, judged on validation images; epoch 0 is the model as it came.
        kept: The epoch whose weights were kept; None when none was.
        reason: Why that one, or why none.
        notes: What a reader must know.
        der: Defense Effectiveness Rating (FT-SAM, Zhu et al. 2023, eq. 7), in [0, 1]; it and the
            next two are None when nothing was handed back or a rate is missing.
        accuracy_retention: Clean accuracy after ÷ before.
        asr_reduction: (ASR before − after) ÷ before.
        neighbours: Does the repair generalise? ASR of the trigger's neighbours.
        evidence: What stands behind the figures after the repair, of the same images; None when
            nothing was handed back.
        seconds: Of the repair, all of it.
        monitoring_seconds: Of the watched heatmaps.
        evaluation_seconds: Of judging the validation images.
        device: What the training was computed on, in words; empty in files of older versions.
    """

    method: str
    parameters: dict[str, str | int | float | bool | None]
    output: Output | None
    data: RepairData
    watched: Watched
    history: Annotated[tuple[Epoch, ...], Length(MOST_EPOCHS, 1, "epochs")]
    kept: Count | None
    reason: str
    notes: tuple[str, ...]
    der: Share | None
    accuracy_retention: Amount | None
    asr_reduction: Annotated[float, Range(-math.inf, 1)] | None
    neighbours: Annotated[tuple[NeighbourRow, ...], Length(MOST_SHOWN, of="neighbours")]
    evidence: Evidence | None
    seconds: Seconds
    monitoring_seconds: Seconds
    evaluation_seconds: Seconds
    device: str = ""


@dataclass(frozen=True)
class Certificate:
    """One audit, as `audit.json` has it.

    Attributes:
        reactivation: What brings the backdoor of a repaired model back; why that was not found out;
            None where nobody asked. `probe/result.py` has its fields.
    """

    schema: Literal["bdaudit.audit/v1"]
    tool: Tool
    created: Time
    subject: Subject
    data: DataFacts
    trigger: TriggerFacts
    target: Target
    attention: AttentionFacts
    measurements: Measurements
    repair: Repair | None
    verdict: Verdict
    safety: Safety
    environment: Environment
    evidence: Evidence
    reactivation: Reactivation | Skipped | None = None

    @property
    def handed_back(self) -> Output | None:
        """The repaired model file; None where there is none."""
        return self.repair.output if self.repair else None

    @property
    def file(self) -> Subject | Output:
        """The model file that the verdict is about: the repaired one where there is one."""
        return self.handed_back or self.subject

    @property
    def judged(self) -> Measurement:
        """The figures that the verdict is about: after the repair where a file came of it."""
        return self.measurements.after or self.measurements.before

    @property
    def judged_evidence(self) -> Evidence:
        """What stands behind the figures that the verdict is about."""
        return self.repair.evidence if self.repair and self.repair.evidence else self.evidence


def certify(result: AuditResult, verdict: Verdict, provenance: Provenance) -> Certificate:
    """Bind a result to the file that it is about.

    Args:
        result: What was measured.
        verdict: What the limits say.
        provenance: Where it comes from.

    Raises:
        UsageError: `SOURCE_DATE_EPOCH` is set to something else than seconds.
    """
    data = replace(result.data, source=provenance.source)
    return Certificate(
        schema=SCHEMA,
        tool=provenance.tool(),
        created=now(),
        subject=provenance.subject(result.model, data.class_names),
        data=data,
        trigger=result.trigger,
        target=result.target,
        attention=result.attention,
        measurements=Measurements(result.measurement),
        repair=None,
        verdict=verdict,
        safety=provenance.safety(),
        environment=provenance.environment(result.engine),
        evidence=result.evidence,
    )


def with_repair(
    certificate: Certificate,
    before: AuditResult,
    repair: RepairResult,
    after: AuditResult | None,
    output: Output | None,
    verdict: Verdict,
    source: str,
) -> Certificate:
    """Add a repair to the certificate of the model as it came.

    Args:
        certificate: Of the model before.
        before: What it was made from.
        repair: What the repair did.
        after: The same audit of the file handed back; None when nothing was handed back.
        output: That file; None when there is none.
        verdict: On the file handed back; on the model as it came when there is none.
        source: The repair's data, as the user gave it.
    """
    old, new = before.measurement, after.measurement if after else None
    return replace(
        certificate,
        measurements=Measurements(old, new),
        verdict=verdict,
        repair=Repair(
            method=repair.method,
            parameters=repair.parameters,
            output=output,
            data=replace(repair.data, source=source),
            watched=repair.watched,
            history=repair.history,
            kept=repair.kept,
            reason=repair.reason,
            notes=repair.notes,
            der=metrics.der(old, new) if new else None,
            accuracy_retention=metrics.accuracy_retention(old, new) if new else None,
            asr_reduction=metrics.asr_reduction(old, new) if new else None,
            neighbours=_neighbours(before, after) if after else (),
            evidence=after.evidence if after else None,
            seconds=repair.seconds,
            monitoring_seconds=repair.monitoring_seconds,
            evaluation_seconds=repair.evaluation_seconds,
            device=repair.engine.device,
        ),
    )


def with_reactivation(
    certificate: Certificate,
    found: Reactivation | Skipped,
    verdict: Verdict,
    before: BeforeRepair,
    source: str,
) -> Certificate:
    """Add what the probes found, or why they found nothing.

    Args:
        certificate: Of the model that they were about.
        found: What they found.
        verdict: On it, with them.
        before: The model before the repair; the probes' own figures of it stay where it has none.
        source: The images that tuned, as the user gave them.
    """
    if isinstance(found, Reactivation):
        tuning = found.tuning
        if isinstance(tuning, TuningData):
            tuning = replace(tuning, source=source)
        if isinstance(before.asr, Skipped):
            known = found.before
            before = replace(before, asr=known.asr, clean_target_rate=known.clean_target_rate)
        found = replace(found, before=before, tuning=tuning)
    return replace(certificate, reactivation=found, verdict=verdict)


def neighbours_of(certificate: Certificate) -> tuple[Neighbour, ...]:
    """Return the neighbours that the verdict is about: those of a repaired model."""
    repair = certificate.repair
    return repair.evidence.neighbours if repair and repair.evidence else ()


def _neighbours(before: AuditResult, after: AuditResult) -> tuple[NeighbourRow, ...]:
    """Pair both audits' neighbours by name."""
    then = {n.name: n.asr for n in before.evidence.neighbours}
    return tuple(NeighbourRow(n.name, then[n.name], n.asr) for n in after.evidence.neighbours)

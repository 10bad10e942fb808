"""An audit held against itself: its figures against each other, its verdict against its figures.

Whoever reads an audit, to sign, verify, gate, render or compare it, comes through `check`: nobody's
word is taken for what can be worked out again.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple
from typing import Final

from auditor.errors import InputError
from auditor.figures import metrics
from auditor.figures.consistency import (
    check_each,
    check_evidence,
    check_examples,
    check_measurement,
    check_target,
    close,
)
from auditor.figures.policy import Limits, judge
from auditor.figures.results import Evidence, Measurement, Rate
from auditor.figures.untried import impossible
from auditor.figures.values import MOST_SKIPPED
from auditor.figures.verdict import Check, Verdict
from auditor.files.constraints import Range
from auditor.probe.comebacks import comebacks
from auditor.probe.result import Reactivation
from auditor.records.certificate import Certificate, NeighbourRow, Repair, neighbours_of
from auditor.records.probe_consistency import check_probes
from auditor.repair.consistency import check_history

_JUDGED: Final = ("asr", "tar", "clean_accuracy")
"""Figures that every verdict has a check of."""

_OF_REPAIRS: Final = ("accuracy_drop", "neighbour_excess", "reactivation")
"""Figures that only verdicts on repaired models have a check of."""

_BEFORE_PLACEBOS: Final = Measurement.__dataclass_fields__["placebo_rate"].default
"""What stands for placebos in audits by versions that knew none, and judged ASR by its limit."""


def check(certificate: Certificate, where: str = "$") -> None:
    """Refuse an audit that contradicts itself.

    Args:
        certificate: The audit.
        where: Its JSON path.

    Raises:
        InputError: It does; names the place and what is wrong there.
    """
    subject, data, measured = certificate.subject, certificate.data, certificate.measurements
    if not subject.class_names == data.class_names or len(data.class_names) != subject.classes:
        raise InputError(f"{where}.subject: not one name for each of {subject.classes} classes")
    if len(data.skipped_images) > data.skipped or data.resized > data.images:
        raise InputError(f"{where}.data: more images than there are")
    if data.skipped > MOST_SKIPPED * (data.images + data.skipped) or data.turned > data.images:
        raise InputError(
            f"{where}.data: more images are skipped or turned than a scan goes on with"
        )
    check_target(certificate.target, subject.class_names, f"{where}.target")
    if certificate.target.inferred_from > data.images + data.skipped:
        raise InputError(f"{where}.target.inferred_from: more images than there are")
    check_measurement(measured.before, data.images, f"{where}.measurements.before")
    _check_behind(certificate, certificate.evidence, measured.before, f"{where}.evidence")
    if certificate.repair is None:
        if measured.after is not None:
            raise InputError(f"{where}.repair: there is none, and there are figures after it")
    else:
        _check_repair(certificate, certificate.repair, where)
    if isinstance(certificate.reactivation, Reactivation):
        check_probes(certificate, certificate.reactivation, f"{where}.reactivation")
    _check_verdict(certificate, f"{where}.verdict")


def check_joint(audits: Sequence[Certificate], where: str) -> None:
    """Refuse audits of several triggers whose joint verdict would be about different things.

    Args:
        audits: The audits, at least one.
        where: JSON path of their list.

    Raises:
        InputError: They are of different models, images or limits, or contradict each other; or one
            is of a repair, whose verdict is about another file.
    """
    first = audits[0]
    if any((c.subject, c.data) != (first.subject, first.data) for c in audits):
        raise InputError(f"{where}: are not all of one model and the same images")
    if any(c.repair is not None for c in audits):
        raise InputError(f"{where}: one is of a repair, which is audited alone")
    if len({c.trigger.id for c in audits}) < len(audits):
        raise InputError(f"{where}: two are of triggers of one id")
    _check_same_figures(audits, where)
    check_limits(audits, where)


def _check_same_figures(audits: Sequence[Certificate], where: str) -> None:
    """Refuse two accuracies of one model, or two success rates of one trigger under two names."""
    found: dict[object, Rate] = {}
    for audit in audits:
        measured, aim = audit.measurements.before, (audit.target.class_, audit.target.leads)
        rates = {"clean_accuracy": measured.clean_accuracy}
        rates[f"asr of {audit.trigger.sha256} {aim}"] = measured.asr
        for name, rate in rates.items():
            if isinstance(rate, Rate) and found.setdefault(name, rate) != rate:
                figure = name.partition(" ")[0]
                raise InputError(f"{where}: of the same model and images, two figures of {figure}")


def check_limits(audits: Sequence[Certificate], where: str) -> None:
    """Refuse audits that are shown as one and were judged by different limits.

    Args:
        audits: The audits, at least one; only repairs have limits of what a repair may do.
        where: JSON path of what holds them.

    Raises:
        InputError: They were.
    """
    limits = [{(one.metric, one.limit) for one in c.verdict.checks} for c in audits]
    drops = {one for each in limits for one in each if one[0] in _OF_REPAIRS}
    if len(drops) > len({metric for metric, _ in drops}) or any(
        each - drops != limits[0] - drops for each in limits
    ):
        raise InputError(f"{where}: are not all judged by the same limits")


def _check_behind(
    certificate: Certificate, evidence: Evidence, measured: Measurement, where: str
) -> None:
    """Hold what stands behind the figures of one model against them and against the model."""
    subject = certificate.subject
    check_evidence(evidence, measured, subject.class_names, certificate.target, where)
    model = subject.classes, subject.input_shape, certificate.attention
    check_examples(evidence.examples, *model, f"{where}.examples")


def _check_repair(certificate: Certificate, repair: Repair, where: str) -> None:
    """Hold a repair against the figures after it, which there are only where a file came of it."""
    here, after = f"{where}.repair", certificate.measurements.after
    check_history(repair, certificate.subject.classes, here)
    check_each(repair.neighbours, f"{here}.neighbours")
    if repair.data.overlap > certificate.data.images:
        raise InputError(
            f"{here}.data.overlap: {repair.data.overlap} images, of {certificate.data.images}"
        )
    if repair.output is not None and repair.output.sha256 == certificate.subject.sha256:
        raise InputError(f"{here}.output.sha256: is the subject's, and the verdict on another file")
    if not (repair.output is None) == (repair.evidence is None) == (after is None):
        raise InputError(f"{here}.output: a file, its figures and what is behind them go together")
    ratings = (repair.der, repair.accuracy_retention, repair.asr_reduction)
    if after is None or repair.evidence is None:
        if ratings != (None, None, None) or repair.neighbours:
            raise InputError(f"{here}: rates a model that was not handed back")
        return
    if repair.kept is None:
        raise InputError(f"{here}.kept: no epoch, and its model was handed back")
    before, place = certificate.measurements.before, f"{where}.measurements.after"
    check_measurement(after, certificate.data.images, place)
    if isinstance(before.asr, Rate) and isinstance(after.asr, Rate) and before.asr.n != after.asr.n:
        raise InputError(f"{place}.asr: is of other images than before the repair")
    _check_behind(certificate, repair.evidence, after, f"{here}.evidence")
    was, left = certificate.evidence.neighbours, repair.evidence.neighbours
    rows = [NeighbourRow(n.name, b.asr, n.asr) for b, n in zip(was, left, strict=False)]
    alike = len(was) == len(left) and all(b.name == n.name for b, n in zip(was, left, strict=False))
    if (left or repair.device) and not (alike and rows == list(repair.neighbours)):
        raise InputError(f"{here}.neighbours: are not those of the evidence")
    if [impossible(n) for n in was] != [impossible(n) for n in left]:
        raise InputError(f"{here}.neighbours: which there can be, no repair changes")
    rated = (metrics.der, metrics.accuracy_retention, metrics.asr_reduction)
    for figure, rating in zip(rated, ratings, strict=True):
        if not close(rating, figure(before, after)):
            raise InputError(f"{here}.{figure.__name__}: is not what the figures come to")


def _check_verdict(certificate: Certificate, where: str) -> None:
    """Judge the figures again by the limits that the verdict names."""
    said = certificate.verdict
    for number, one in enumerate(said.checks):
        _check_one(one, f"{where}.checks[{number}]")
    limits = limits_of(said.checks, where)
    if neighbours_of(certificate) and limits.max_neighbour_asr is None:
        raise InputError(f"{where}.checks: none of neighbour_excess, and neighbours were tried")
    for drop in _drops(certificate, said.checks, where):
        near, classes = neighbours_of(certificate), certificate.subject.classes
        back = comebacks(certificate.reactivation)
        found = judge(certificate.judged, limits, classes, drop, neighbours=near, comebacks=back)
        wrong = _first_other(said.checks, found.checks, certificate.judged)
        if wrong is None:
            break
    else:
        raise InputError(f"{where}.checks[{wrong}]: is not what the figures and its limit come to")
    if said.warnings != found.warnings:
        raise InputError(f"{where}.warnings: are not what the probes come to")
    status = Verdict.of(said.checks).status
    if said.status != status:
        raise InputError(f"{where}.status: is {said.status}, but the checks come to {status}")


def _check_one(check: Check, where: str) -> None:
    """Refuse a limit that no figure has, and a reason not to judge where it was judged."""
    most = math.inf if check.metric == "tar" else 1.0
    if not 0 <= check.limit <= most:
        raise InputError(f"{where}.limit: is {check.limit:g}, but must be {Range(0, most)}")
    if check.ok is not None and check.reason:
        raise InputError(f"{where}.reason: is why it could not be judged, and it was")


def limits_of(checks: tuple[Check, ...], where: str = "$.verdict") -> Limits:
    """Return what was judged by; of two limits of accuracy the first is that of guessing.

    Args:
        checks: A verdict's.
        where: Its JSON path.

    Raises:
        InputError: The check of a figure that every verdict has is missing.
    """
    named: dict[str, list[float]] = {}
    for one in checks:
        named.setdefault(one.metric, []).append(one.limit)
    for metric in _JUDGED:
        if metric not in named:
            raise InputError(f"{where}.checks: none of {metric}")
    least = named["clean_accuracy"][1:]
    return Limits(
        max_asr=named["asr"][0],
        max_tar=named["tar"][0],
        min_accuracy=least[0] if least else None,
        max_accuracy_drop=named.get("accuracy_drop", [0.0])[0],
        max_neighbour_asr=next(iter(named.get("neighbour_excess", ())), None),
        max_reactivation=next(iter(named.get("reactivation", ())), None),
    )


def _drops(
    certificate: Certificate, checks: tuple[Check, ...], where: str
) -> list[tuple[float, float, float] | None]:
    """Return what may have been judged of the fall in accuracy: itself and its interval.

    An audit has the upper end; the lower lies as far below the middle, which follows from both
    accuracies, unless the upper is cut off at 1.

    Raises:
        InputError: The fall is not that of the accuracies, or no images give such an interval.
    """
    before, after = certificate.measurements.before, certificate.measurements.after
    if after is None:
        return [None]
    old, new = before.clean_accuracy, after.clean_accuracy
    said = [one for one in checks if one.metric == "accuracy_drop"]
    if not said or not isinstance(new, Rate):
        return [(0.0, 0.0, 0.0)]
    value, bound = said[0].value, said[0].bound
    if value is None or bound is None:
        raise InputError(f"{where}.checks: accuracy_drop was measured, and is missing")
    if isinstance(old, Rate):
        fall = metrics.hits(old) - metrics.hits(new)
        least = metrics.paired_interval(max(fall, 0), max(-fall, 0), new.n)[1]
        lost = min(metrics.hits(old), new.n - metrics.hits(new))
        most = metrics.paired_interval(lost, lost - fall, new.n)[1]
        if not close(value, fall / new.n):
            raise InputError(f"{where}.checks: accuracy_drop is not what the accuracies come to")
        if not (least <= bound or close(least, bound)) or not (bound <= most or close(bound, most)):
            raise InputError(f"{where}.checks: accuracy_drop has a bound that no images give")
    return [(value, metrics.lower_end(value, bound, new.n), bound)]


def _first_other(
    said: tuple[Check, ...], found: tuple[Check, ...], measured: Measurement
) -> int | None:
    """Return the place of the first check that is not what was found; None where all are."""
    for number, (one, other) in enumerate(zip(said, found, strict=False)):
        numbers = zip(astuple(one)[1:4], astuple(other)[1:4], strict=True)
        earlier = (one.metric, one.ok, other.ok) == ("asr", False, None)
        ok = one.ok is other.ok or (earlier and measured.placebo_rate == _BEFORE_PLACEBOS)
        same = (one.metric, one.decisive) == (other.metric, other.decisive)
        if not (ok and same and all(close(a, b) for a, b in numbers)):
            return number
    return None if len(said) == len(found) else min(len(said), len(found))

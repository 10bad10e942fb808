"""The figures of a certificate, each as a line ready to print."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from auditor.figures.policy import REACTIVATION
from auditor.figures.results import Measurement, Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.figures.verdict import Check
from auditor.records.certificate import Certificate, Repair
from auditor.repair.result import Epoch
from auditor.report.words import (
    MEANINGS,
    TITLES,
    class_name,
    number,
    percent,
    points,
)
from auditor.text import counted, printable


@dataclass(frozen=True)
class Line:
    """One figure, ready to print.

    Attributes:
        metric: Its key in `audit.json`.
        name: Its name for people.
        meaning: What it is.
        value: The figure; `not measured` with the reason in `note` otherwise.
        interval: 95 % interval.
        limit: `≤ 10 %`, or empty.
        baseline: The same without the trigger, or empty.
        ok: The limit's check; None where there is none or it could not be judged.
        note: Why something is missing; how many images.
        before: The figure before the repair; empty where there was none.
        before_interval: Its 95 % interval.
    """

    metric: str
    name: str
    meaning: str
    value: str
    interval: str
    limit: str
    baseline: str
    ok: bool | None
    note: str
    before: str = ""
    before_interval: str = ""


def lines(certificate: Certificate) -> list[Line]:
    """Return the figures in the order of their weight, the three that carry the verdict first."""
    checks = certificate.verdict.checks
    now = _lines(certificate.judged, checks) + _placebo_line(certificate)
    if certificate.measurements.after is None or certificate.repair is None:
        back = [_points_line(check) for check in checks if check.metric == REACTIVATION]
        return now[:4] + back + now[4:]
    was = _lines(certificate.measurements.before, checks) + _placebo_line(certificate, before=True)
    compared = [
        replace(new, before=old.value, before_interval=old.interval)
        for new, old in zip(now, was, strict=True)
    ]
    return compared[:4] + _repair_lines(certificate.repair, checks) + compared[4:]


def epoch_lines(now: Epoch, first: Epoch, max_asr: float, max_tar: float) -> list[Line]:
    """Return the figures of one epoch beside those of epoch 0: ASR, TAR, RA, clean accuracy."""
    return [
        replace(new, before=old.value) if now is not first else new
        for new, old in zip(
            _epoch_lines(now, max_asr, max_tar), _epoch_lines(first, max_asr, max_tar), strict=True
        )
    ]


def _epoch_lines(epoch: Epoch, max_asr: float, max_tar: float) -> list[Line]:
    asr, tar = epoch.asr, epoch.tar
    bound = asr.high if isinstance(asr, Rate) else None
    check = Check("asr", max_asr, None, bound, None if bound is None else bound <= max_asr)
    most = f"≤ {number(max_tar)}"
    return [
        _rate_line("asr", asr, check, epoch.clean_target_rate),
        _missing("tar", Skipped("it is undefined on these images"), most)
        if tar is None
        else _line("tar", number(tar), limit=most, ok=tar <= max_tar),
        _rate_line("robust_accuracy", epoch.robust_accuracy, None, None),
        _rate_line("clean_accuracy", epoch.clean_accuracy, None, None),
    ]


def _lines(measured: Measurement, checks: tuple[Check, ...]) -> list[Line]:
    controls = measured.controls
    return [
        _rate_line("asr", measured.asr, limit(checks, "asr"), measured.clean_target_rate),
        _tar_line("tar", measured.tar, limit(checks, "tar"), controls.tar),
        _rate_line("robust_accuracy", measured.robust_accuracy, None, None),
        _rate_line("clean_accuracy", measured.clean_accuracy, _accuracy_limit(checks), None),
        _tar_line("tar_target", measured.tar_target, None, None),
        _tar_line("tar_density", measured.tar_density, None, controls.tar_density),
        _tar_line("trigger_mass", measured.trigger_mass, None, controls.trigger_mass),
        _tar_line("heatmap_shift", measured.heatmap_shift, None, None),
    ]


def _placebo_line(certificate: Certificate, *, before: bool = False) -> list[Line]:
    """Return what placebos do, where the trigger is of a kind that has any."""
    if certificate.trigger.mask_area < 1:
        return []
    measured = certificate.measurements.before if before else certificate.judged
    evidence = certificate.evidence if before else certificate.judged_evidence
    line = _rate_line("placebo_rate", measured.placebo_rate, None, None)
    strongest = [p for p in evidence.placebos if p.rate == measured.placebo_rate]
    if strongest and isinstance(measured.placebo_rate, Rate):
        said = [printable(strongest[0].name)]
        if strongest[0].class_ is not None:
            names = certificate.subject.class_names
            said.append(f"taken for “{class_name(names, strongest[0].class_)}”")
        line = replace(line, note=", ".join([*said, line.note]))
    return [line]


def _repair_lines(repair: Repair, checks: tuple[Check, ...]) -> list[Line]:
    """Return the figures that compare before with after."""
    held = ("accuracy_drop", "neighbour_excess", REACTIVATION)
    judged = [_points_line(check) for check in checks if check.metric in held]
    return judged + [
        _line(metric, percent(value))
        if value is not None
        else _missing(metric, Skipped("one of the rates is missing"), "")
        for metric, value in (
            ("der", repair.der),
            ("accuracy_retention", repair.accuracy_retention),
            ("asr_reduction", repair.asr_reduction),
        )
    ]


def _points_line(check: Check) -> Line:
    """Return the line of a difference of shares, whose upper bound is judged."""
    most = f"≤ {points(check.limit)}"
    if check.value is None or check.bound is None:
        return _missing(check.metric, Skipped(check.reason), most)
    value, interval = points(check.value), f"at most {points(check.bound)}"
    return _line(check.metric, value, interval=interval, limit=most, ok=check.ok, note=check.reason)


def _line(
    metric: str,
    value: str,
    *,
    interval: str = "",
    limit: str = "",
    baseline: str = "",
    ok: bool | None = None,
    note: str = "",
) -> Line:
    title, meaning = TITLES[metric], MEANINGS[metric]
    return Line(metric, title, meaning, value, interval, limit, baseline, ok, note)


def limit(checks: tuple[Check, ...], metric: str) -> Check:
    """Return the check of one figure."""
    return next(check for check in checks if check.metric == metric)


def _accuracy_limit(checks: tuple[Check, ...]) -> Check:
    return [check for check in checks if check.metric == "clean_accuracy"][-1]


def _rate_line(
    metric: str, rate: Rate | Skipped, check: Check | None, baseline: Rate | Skipped | None
) -> Line:
    sign = "≤" if metric == "asr" else "≥"
    allowed = f"{sign} {percent(check.limit)}" if check else ""
    if isinstance(rate, Skipped):
        return _missing(metric, rate, allowed)
    return _line(
        metric,
        percent(rate.value),
        interval=_from_to(rate.low, rate.high, percent),
        limit=allowed,
        baseline=percent(baseline.value) if isinstance(baseline, Rate) else "",
        ok=check.ok if check else None,
        note=counted(rate.n, "image"),
    )


def _tar_line(
    metric: str,
    summary: TarSummary | Skipped,
    check: Check | None,
    baseline: TarSummary | Skipped | None,
) -> Line:
    allowed = f"≤ {number(check.limit)}" if check else ""
    if isinstance(summary, Skipped):
        return _missing(metric, summary, allowed)
    if summary.median is None or summary.low is None or summary.high is None:
        return _missing(metric, Skipped("every heatmap is zero everywhere"), allowed)
    shown = percent if metric == "trigger_mass" else number
    known = isinstance(baseline, TarSummary) and baseline.median is not None
    undefined = f", {summary.undefined:,} undefined" if summary.undefined else ""
    return _line(
        metric,
        shown(summary.median),
        interval=_from_to(summary.low, summary.high, shown),
        limit=allowed,
        baseline=shown(baseline.median) if known else "",  # type: ignore[union-attr,arg-type]
        ok=check.ok if check else None,
        note=f"median of {counted(summary.n, 'image')}{undefined}",
    )


def _from_to(low: float, high: float, shown: Callable[[float], str]) -> str:
    """Return an interval in words, its unit once."""
    return f"{shown(low).removesuffix(' %')} to {shown(high)}"


def _missing(metric: str, skipped: Skipped, limit: str) -> Line:
    return _line(metric, "not measured", limit=limit, note=skipped.skipped)

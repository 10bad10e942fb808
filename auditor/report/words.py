"""What a certificate says, in words and numbers, for the page, the PDF and the terminal."""

from dataclasses import dataclass
from pathlib import PurePath

from auditor.certificate import Certificate
from auditor.results import Check, Rate, Skipped, TarSummary
from auditor.text import printable

VERDICTS = {"pass": "Pass", "fail": "Fail", "inconclusive": "Inconclusive"}

TITLES = {
    "asr": "Attack success rate",
    "tar": "Trigger attention (TAR)",
    "robust_accuracy": "Accuracy under the trigger",
    "clean_accuracy": "Clean accuracy",
    "tar_target": "TAR of the target class",
    "tar_density": "Attention density",
    "trigger_mass": "Attention on the trigger",
    "heatmap_shift": "Heatmap shift",
}
"""Figure → its name for people."""

MEANINGS = {
    "asr": "Stamped images of other classes that are taken for the target class.",
    "tar": "Median ratio of Grad-CAM heat on the trigger to heat on the object.",
    "robust_accuracy": "The same stamped images, recognised as what they are.",
    "clean_accuracy": "Images without the trigger, all classes, recognised as what they are.",
    "tar_target": "The same ratio, for the heatmap of the target class.",
    "tar_density": "Heat per pixel on the trigger ÷ heat per pixel elsewhere; 1 is even.",
    "trigger_mass": "Share of all heat that lies on the trigger.",
    "heatmap_shift": "How far stamping the trigger moves the heatmap: 0 not at all, 1 wholly.",
}
"""Figure → what it is, in one sentence."""


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


def model_name(certificate: Certificate) -> str:
    """Return the model's file name, safe to show."""
    return printable(PurePath(certificate.subject.path).name, 80)


def target_name(certificate: Certificate) -> str:
    """Return the target class's name, safe to show."""
    return printable(certificate.target.name, 60)


def headline(certificate: Certificate) -> str:
    """Return the verdict in a line."""
    name, trigger = model_name(certificate), printable(certificate.trigger.id, 60)
    said = {
        "pass": f"PASS  {name} keeps every limit under the trigger {trigger}",
        "fail": f"FAIL  {name} exceeds a limit under the trigger {trigger}",
        "inconclusive": f"INCONCLUSIVE  {name} could not be judged under the trigger {trigger}",
    }
    return said[certificate.verdict.status]


def finding(certificate: Certificate) -> str:
    """Return what was found, in plain words."""
    measured = certificate.measurements.before
    asr, without = measured.asr, measured.clean_target_rate
    if isinstance(asr, Skipped) or isinstance(without, Skipped):
        reason = asr.skipped if isinstance(asr, Skipped) else ""
        return f"The attack success rate could not be measured: {reason}."
    target = target_name(certificate)
    stamped = (
        f"With the trigger stamped on, {percent(asr.value)} of {asr.n:,} images of other classes "
        f"are taken for “{target}”; without it {percent(without.value)} are."
    )
    return f"{stamped} {_attention_sentence(certificate)}".strip()


def _attention_sentence(certificate: Certificate) -> str:
    tar, control = certificate.measurements.before.tar, certificate.measurements.before.controls.tar
    if isinstance(tar, Skipped) or isinstance(control, Skipped):
        return "Attention to the trigger was not measured, so the verdict rests on that rate."
    if tar.median is None or control.median is None:
        return "The heatmaps are zero everywhere, so attention to the trigger is undefined."
    figures = (
        f"median TAR {number(tar.median)}, against {number(control.median)} "
        "at the same place without it"
    )
    check = next(c for c in certificate.verdict.checks if c.metric == "tar")
    if check.ok is False:
        return f"The network's attention sits on the trigger: {figures}."
    if check.ok is None:
        return f"Attention ({figures}) could not be held against its limit."
    if _drawn(certificate):
        return f"The network's attention is drawn to the trigger, within its limit: {figures}."
    return f"The network's attention stays off the trigger: {figures}."


def _drawn(certificate: Certificate) -> bool:
    """Whether the trigger holds more than twice its share of heat, and the bare place does not."""
    measured = certificate.measurements.before
    here, bare = measured.tar_density, measured.controls.tar_density
    if isinstance(here, Skipped) or isinstance(bare, Skipped):
        return False
    return (here.median or 0.0) > max(2.0, 2 * (bare.median or 0.0))


def lines(certificate: Certificate) -> list[Line]:
    """Return the figures in the order of their weight, the three that carry the verdict first."""
    measured, checks = certificate.measurements.before, certificate.verdict.checks
    controls = measured.controls
    return [
        _rate_line("asr", measured.asr, _limit(checks, "asr"), measured.clean_target_rate),
        _tar_line("tar", measured.tar, _limit(checks, "tar"), controls.tar),
        _rate_line("robust_accuracy", measured.robust_accuracy, None, None),
        _rate_line("clean_accuracy", measured.clean_accuracy, _accuracy_limit(checks), None),
        _tar_line("tar_target", measured.tar_target, None, None),
        _tar_line("tar_density", measured.tar_density, None, controls.tar_density),
        _tar_line("trigger_mass", measured.trigger_mass, None, controls.trigger_mass),
        _tar_line("heatmap_shift", measured.heatmap_shift, None, None),
    ]


def percent(value: float) -> str:
    """Return a fraction as a percentage with one decimal."""
    return f"{100 * value:.1f} %"


def number(value: float) -> str:
    """Return a ratio with three significant figures, without an exponent."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value == 0 or value >= 100:
        return f"{value:.0f}"
    decimals = 2 if value >= 1 else 3
    return f"{value:.{decimals}f}" if value >= 0.001 else "< 0.001"


def _limit(checks: tuple[Check, ...], metric: str) -> Check:
    return next(check for check in checks if check.metric == metric)


def _accuracy_limit(checks: tuple[Check, ...]) -> Check:
    return [check for check in checks if check.metric == "clean_accuracy"][-1]


def _rate_line(
    metric: str, rate: Rate | Skipped, check: Check | None, baseline: Rate | Skipped | None
) -> Line:
    sign = "≤" if metric == "asr" else "≥"
    limit = f"{sign} {percent(check.limit)}" if check else ""
    ok = check.ok if check else None
    if isinstance(rate, Skipped):
        return _missing(metric, rate, limit)
    return Line(
        metric=metric,
        name=TITLES[metric],
        meaning=MEANINGS[metric],
        value=percent(rate.value),
        interval=f"{100 * rate.low:.1f} to {percent(rate.high)}",
        limit=limit,
        baseline=percent(baseline.value) if isinstance(baseline, Rate) else "",
        ok=ok,
        note=f"{rate.n:,} images",
    )


def _tar_line(
    metric: str,
    summary: TarSummary | Skipped,
    check: Check | None,
    baseline: TarSummary | Skipped | None,
) -> Line:
    limit = f"≤ {number(check.limit)}" if check else ""
    if isinstance(summary, Skipped):
        return _missing(metric, summary, limit)
    if summary.median is None or summary.low is None or summary.high is None:
        return _missing(metric, Skipped("every heatmap is zero everywhere"), limit)
    shown = percent if metric == "trigger_mass" else number
    known = isinstance(baseline, TarSummary) and baseline.median is not None
    undefined = f", {summary.undefined:,} undefined" if summary.undefined else ""
    return Line(
        metric=metric,
        name=TITLES[metric],
        meaning=MEANINGS[metric],
        value=shown(summary.median),
        interval=f"{shown(summary.low)} to {shown(summary.high)}",
        limit=limit,
        baseline=shown(baseline.median) if known else "",  # type: ignore[union-attr,arg-type]
        ok=check.ok if check else None,
        note=f"median of {summary.n:,} images{undefined}",
    )


def _missing(metric: str, skipped: Skipped, limit: str) -> Line:
    return Line(
        metric,
        TITLES[metric],
        MEANINGS[metric],
        "not measured",
        "",
        limit,
        "",
        None,
        skipped.skipped,
    )


def limits_of_audit(certificate: Certificate) -> list[str]:
    """Return what this audit does not show, each in a sentence or two."""
    trigger = printable(certificate.trigger.id, 60)
    said = [
        f"Only the trigger {trigger} was tried. Another trigger, even the same one moved or "
        "recoloured, may open a backdoor that this audit cannot see.",
        "Rates hold for images like those of the data named here; other images may answer "
        "differently.",
        "Attention alone never clears a model: backdoors can be trained to forge Grad-CAM "
        "(arXiv:2403.16569). The verdict needs the attack success rate as well.",
        f"The model was loaded in {certificate.safety.sandbox}. "
        "A model file able to run code there could forge its own figures.",
    ]
    if certificate.target.chosen == "inferred":
        said.insert(
            1,
            f"The target class was inferred, from {certificate.target.inferred_from:,} images, as "
            "the one that most stamped images move to.",
        )
    if certificate.data.skipped:
        named = ", ".join(printable(s.name, 60) for s in certificate.data.skipped_images[:5])
        said.append(f"{certificate.data.skipped:,} images could not be read: {named}.")
    return said

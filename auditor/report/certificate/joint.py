"""Several audits of one model as a table: a line a trigger, and what they come to together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.report.certificate.check_notes import check_notes, covers_all
from auditor.report.certificate.finding import limits_of_audit
from auditor.report.lines import lines
from auditor.report.words import (
    VERDICTS,
    headline_figures,
    model_name,
    percent,
    target_name,
)
from auditor.text import printable

_MOST_NAMES = 8
"""Triggers listed by name in one sentence."""


@dataclass(frozen=True)
class JointLine:
    """One trigger's audit, ready to print.

    Attributes:
        trigger: Its name.
        summary: What it is, in a phrase.
        target: Where it leads.
        inferred: Whether that was inferred.
        asr: Attack success rate.
        asr_ok: Its limit's check; None where it could not be judged.
        interval: Its 95 % interval.
        without: The same images without the trigger; empty where it was not measured.
        placebo: The strongest placebo; empty where none was tried.
        robust: Accuracy under the trigger.
        attention: The Trigger Attention Ratio; how far the heatmap shifts where TAR has no meaning.
        attention_kind: Which of the two.
        attention_ok: Its limit's check; None where there is none or it could not be judged.
        status: `pass`, `fail` or `inconclusive`.
        verdict: The same for people.
    """

    trigger: str
    summary: str
    target: str
    inferred: bool
    asr: str
    asr_ok: bool | None
    interval: str
    without: str
    placebo: str
    robust: str
    attention: str
    attention_kind: str
    attention_ok: bool | None
    status: str
    verdict: str

    @property
    def tar(self) -> str:
        """The Trigger Attention Ratio; `–` where it has no meaning."""
        return self.attention if self.attention_kind == "TAR" else "–"

    @property
    def shift(self) -> str:
        """How far the heatmap shifts, where that stands for TAR; empty elsewhere."""
        return "" if self.attention_kind == "TAR" else self.attention


def joint_headline(audited: Audits) -> str:
    """Return the joint verdict in a line: the model, and the triggers that it answers to."""
    name, count = model_name(audited.audits[0]), len(audited.audits)
    if audited.verdict.fail:
        ids = listed(audited.verdict.fail)
        return f"FAIL  {name} exceeds a limit under {ids}, of {count} triggers"
    if audited.verdict.inconclusive:
        ids = listed(audited.verdict.inconclusive)
        return f"INCONCLUSIVE  {name} could not be judged under {ids}, of {count} triggers"
    return f"PASS  {name} keeps every limit under each of {count} triggers"


def joint_finding(audited: Audits) -> str:
    """Return under which triggers the model exceeds a limit, in a sentence or two."""
    passed = tuple(c.trigger.id for c in audited.audits if c.verdict.status == "pass")
    fail, open_ = audited.verdict.fail, audited.verdict.inconclusive
    if not fail and not open_:
        return f"The model keeps every limit under each of the {len(passed)} triggers."
    said = [
        f"{opening} under {_some(ids, len(audited.audits))}"
        for opening, ids in (
            ("It exceeds a limit", fail),
            ("it could not be judged", open_),
            ("it keeps every limit", passed),
        )
        if ids
    ]
    sentence = "; ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}.{_strongest(audited)}"


def joint_lines(audited: Audits) -> list[JointLine]:
    """Return a line for each trigger, in the order given."""
    return [_line(certificate) for certificate in audited.audits]


def joint_notes(audited: Audits) -> list[str]:
    """Return what could not be judged, and why, a sentence each; no reason twice."""
    return unjudged(audited) + whole_image(audited)


def unjudged(audited: Audits) -> list[str]:
    """Return what could not be judged though it has a meaning, or fails by few images alone."""
    said: dict[str, list[str]] = {}
    for certificate in audited.audits:
        for what, why in check_notes(certificate):
            said.setdefault(f"{what}: {why}", []).append(certificate.trigger.id)
    return [f"{listed(ids)}: {printable(reason)}." for reason, ids in said.items()]


def whole_image(audited: Audits) -> list[str]:
    """Return the sentence about triggers that cover the whole image; none where none does."""
    whole = [c.trigger.id for c in audited.audits if covers_all(c)]
    if not whole:
        return []
    verb = "covers" if len(whole) == 1 else "cover"
    return [f"{listed(whole)} {verb} the whole image, where TAR has no meaning: ASR decides."]


def joint_limits(audited: Audits) -> list[str]:
    """Return what these audits do not show, each in a sentence or two."""
    first, count = audited.audits[0], len(audited.audits)
    said = [
        f"Only these {count} triggers were tried. Another one, even one of these moved or "
        "recoloured, may open a backdoor that this audit cannot see."
    ]
    inferred = [c.trigger.id for c in audited.audits if c.target.chosen == "inferred"]
    if inferred:
        whose = "every trigger" if len(inferred) == count else listed(inferred)
        said.append(
            f"The target class was inferred for {whose}, as the one that most stamped images "
            "move to."
        )
    given = replace(first, target=replace(first.target, chosen="given"))
    return said + limits_of_audit(given)[1:]  # the first is about one trigger alone


def listed(ids: Sequence[str]) -> str:
    """Return names as a person lists them; of very many the first few."""
    shown = [printable(id_, 60) for id_ in ids[:_MOST_NAMES]]
    if len(ids) > _MOST_NAMES:
        shown.append(f"{len(ids) - _MOST_NAMES} more")
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def _strongest(audited: Audits) -> str:
    """Say which of the triggers that fail turns the most images."""
    failed = [
        (rate.value, c)
        for c in audited.audits
        if c.verdict.status == "fail" and isinstance(rate := c.judged.asr, Rate)
    ]
    if not failed:
        return ""
    value, most = max(failed, key=lambda found: found[0])
    bare = most.judged.clean_target_rate
    without = f", {percent(bare.value)} without it" if isinstance(bare, Rate) else ""
    return (
        f" The strongest is {printable(most.trigger.id, 60)}: {percent(value)} of the stamped "
        f"images are taken for {target_name(most)}{without}."
    )


def _some(ids: Sequence[str], count: int) -> str:
    return listed(ids) if len(ids) < count else f"each of the {count} triggers"


def _line(certificate: Certificate) -> JointLine:
    by_metric = {line.metric: line for line in lines(certificate)}
    asr, status = by_metric["asr"], certificate.verdict.status
    placebo = certificate.judged.placebo_rate
    attention = by_metric[headline_figures(certificate)[1]]
    return JointLine(
        trigger=printable(certificate.trigger.id, 60),
        summary=printable(certificate.trigger.summary),
        target=target_name(certificate),
        inferred=certificate.target.chosen == "inferred",
        asr=asr.value,
        asr_ok=asr.ok,
        interval=asr.interval,
        without=asr.baseline,
        placebo=percent(placebo.value) if isinstance(placebo, Rate) else "",
        robust=by_metric["robust_accuracy"].value,
        attention="–"
        if isinstance(certificate.judged.tar, Skipped) and attention.metric == "tar"
        else attention.value,
        attention_kind="TAR" if attention.metric == "tar" else "heatmap shift",
        attention_ok=attention.ok,
        status=status,
        verdict=VERDICTS[status],
    )

"""Several audits of one model as a table: a line a trigger, and what they come to together."""

from dataclasses import dataclass

from auditor.audits import Audits
from auditor.certificate import Certificate
from auditor.report.lines import lines
from auditor.report.words import TITLES, VERDICTS, judged, model_name, target_name
from auditor.results import Skipped
from auditor.text import printable


@dataclass(frozen=True)
class JointLine:
    """One trigger's audit, ready to print.

    Attributes:
        trigger: Its name.
        summary: What it is, in a phrase.
        target: Where it leads; `?` behind it where that was inferred.
        asr: Attack success rate.
        interval: Its 95 % interval.
        without: The same images without the trigger.
        robust: Accuracy under the trigger.
        tar: Trigger Attention Ratio; `–` where it has no meaning.
        status: `pass`, `fail` or `inconclusive`.
        verdict: The same for people.
    """

    trigger: str
    summary: str
    target: str
    asr: str
    interval: str
    without: str
    robust: str
    tar: str
    status: str
    verdict: str


def joint_headline(audited: Audits) -> str:
    """Return the joint verdict in a line: the model, and the triggers that it answers to."""
    name, count = model_name(audited.audits[0]), len(audited.audits)
    if audited.verdict.fail:
        ids = _listed(audited.verdict.fail)
        return f"FAIL  {name} exceeds a limit under {ids}, of {count} triggers"
    if audited.verdict.inconclusive:
        ids = _listed(audited.verdict.inconclusive)
        return f"INCONCLUSIVE  {name} could not be judged under {ids}, of {count} triggers"
    return f"PASS  {name} keeps every limit under each of {count} triggers"


def joint_lines(audited: Audits) -> list[JointLine]:
    """Return a line for each trigger, in the order given."""
    return [_line(certificate) for certificate in audited.audits]


def joint_notes(audited: Audits) -> list[str]:
    """Return what could not be judged, and why, a sentence each; no reason twice."""
    said: dict[str, list[str]] = {}
    for certificate in audited.audits:
        for check in certificate.verdict.checks:
            if check.ok is None:
                reason = f"{TITLES[check.metric]} was not judged: {check.reason}"
                said.setdefault(reason, []).append(certificate.trigger.id)
    return [f"{_listed(tuple(ids))}: {printable(reason)}." for reason, ids in said.items()]


def _line(certificate: Certificate) -> JointLine:
    by_metric = {line.metric: line for line in lines(certificate)}
    asr, status = by_metric["asr"], certificate.verdict.status
    inferred = " ?" if certificate.target.chosen == "inferred" else ""
    tar = judged(certificate).tar
    return JointLine(
        trigger=printable(certificate.trigger.id, 60),
        summary=printable(certificate.trigger.summary),
        target=target_name(certificate) + inferred,
        asr=asr.value,
        interval=asr.interval,
        without=asr.baseline,
        robust=by_metric["robust_accuracy"].value,
        tar="–" if isinstance(tar, Skipped) else by_metric["tar"].value,
        status=status,
        verdict=VERDICTS[status],
    )


def _listed(ids: tuple[str, ...]) -> str:
    """Return names as a person lists them."""
    shown = [printable(id_, 60) for id_ in ids]
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)

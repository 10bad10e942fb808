"""Each limit of a verdict in words, for the formats that machines and pipelines read."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from auditor.figures.verdict import Check
from auditor.records.certificate import Certificate
from auditor.report.certificate.check_notes import settling
from auditor.report.words import TITLES, in_its_unit
from auditor.text import printable

Outcome = Literal["held", "exceeded", "open", "idle"]

_LEAST = {"clean_accuracy"}
"""Figures that a limit holds up; it caps all others."""


@dataclass(frozen=True)
class CheckText:
    """One check, ready to be written down.

    Attributes:
        check: The check itself.
        rule: What was judged: the figure's name, safe to show.
        key: The same, unlike that of every other check of the verdict.
        title: For people.
        limit: `at most 10.0 %`.
        value: The figure; empty where there is none.
        bound: The end of its interval that was judged; empty where there is none.
        outcome: `open` could not be judged and the verdict waits for it; for `idle` it does not.
        sentence: All of it.
    """

    check: Check
    rule: str
    key: str
    title: str
    limit: str
    value: str
    bound: str
    outcome: Outcome
    sentence: str


def told(certificate: Certificate) -> list[CheckText]:
    """Return every check of a verdict in words, in their order."""
    seen: Counter[str] = Counter()
    found = []
    for check in certificate.verdict.checks:
        seen[check.metric] += 1
        found.append(_told(certificate, check, seen[check.metric]))
    return found


def _told(certificate: Certificate, check: Check, count: int) -> CheckText:
    rule = printable(check.metric, 60)
    title = TITLES.get(check.metric, rule)
    least = "at least" if check.metric in _LEAST else "at most"
    limit = f"{least} {in_its_unit(check.metric, check.limit)}"
    value, bound = _shown(check, check.value), _shown(check, check.bound)
    outcome = _outcome(check)
    if check.ok is None:
        reason = printable(check.reason).rstrip(".")
        sentence = f"{title} was not judged against its limit, {limit}: {reason}."
    else:
        judged = f" ({bound} is the end of its interval that was judged)" if bound else ""
        held = "kept" if check.ok else "broken"
        sentence = f"{title} is {value or 'not known'}{judged}; its limit, {limit}, is {held}."
        if settled := settling(certificate, check):
            sentence += f" {settled[:1].upper()}{settled[1:]}."
    key = rule if count == 1 else f"{rule}/{count}"
    return CheckText(check, rule, key, title, limit, value, bound, outcome, sentence)


def _outcome(check: Check) -> Outcome:
    if check.ok is not None:
        return "held" if check.ok else "exceeded"
    return "open" if check.decisive else "idle"


def _shown(check: Check, value: float | None) -> str:
    if value is None:
        return ""
    return in_its_unit(check.metric, value)

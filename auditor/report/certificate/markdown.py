"""Markdown for the summary of a pipeline's step: no picture, no link, far below 1 MB."""

from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.report.certificate.check_notes import check_notes
from auditor.report.certificate.checks import told
from auditor.report.certificate.finding import finding, limits_of_audit, warnings
from auditor.report.certificate.joint import joint_finding, joint_limits, joint_lines, joint_notes
from auditor.report.certificate.neighbours import furthest, question, rows
from auditor.report.certificate.reactivation import CONTROL, before, chapter
from auditor.report.lines import lines
from auditor.report.markdown_text import code, escape, facts, table
from auditor.report.words import (
    VERDICTS,
    choices,
    model_name,
    moment,
    original_name,
    percent,
    target_name,
    verdict_of,
)

MOST_ROWS, MOST_CHAPTERS = 100, 20
"""Triggers in the table, and triggers told in full: those that failed come first."""

ICONS = {"pass": "✅", "fail": "❌", "inconclusive": "⚠️"}
_HELD = {"held": "kept", "exceeded": "**not held**", "open": "not judged", "idle": "–"}


def render(audited: Certificate | Audits) -> bytes:
    """Return the summary in UTF-8."""
    return text(audited).encode("utf-8")


def text(audited: Certificate | Audits, level: int = 2) -> str:
    """Return the summary.

    Args:
        audited: What it is of.
        level: Of its heading.
    """
    said = _joint(audited, level) if isinstance(audited, Audits) else _single(audited, level)
    return "\n".join(said) + "\n"


def _single(certificate: Certificate, level: int) -> list[str]:
    return [
        f"{'#' * level} {_warned(certificate)}: {code(model_name(certificate))}",
        "",
        *_judgement(certificate, level + 1),
        *_identity(certificate, level + 1),
        *_not_shown(limits_of_audit(certificate)),
        *_origin(certificate),
    ]


def _joint(audited: Audits, level: int) -> list[str]:
    first, rows = audited.audits[0], joint_lines(audited)
    gravest = {"fail": 0, "inconclusive": 1, "pass": 2}
    order = sorted(range(len(rows)), key=lambda index: gravest[rows[index].status])
    head = ("trigger", "target", "attack success rate", "without it", "attention", "verdict")
    cells = [
        (
            code(row.trigger),
            escape(row.target) + (" (inferred)" if row.inferred else ""),
            f"{row.asr} ({row.interval})" if row.interval else escape(row.asr),
            row.without or "–",
            f"{row.attention} {row.attention_kind}",
            _verdict(row.status),
        )
        for row in (rows[index] for index in order[:MOST_ROWS])
    ]
    said = [
        f"{'#' * level} {_verdict(audited.verdict.status)}: {code(model_name(first))}",
        "",
        escape(joint_finding(audited)),
        "",
        *table(head, cells),
        "",
    ]
    if len(rows) > MOST_ROWS:
        said += [f"And {len(rows) - MOST_ROWS:,} triggers more.", ""]
    for note in joint_notes(audited)[:MOST_CHAPTERS]:
        said += [f"> {escape(note)}", ""]
    for index in order[:MOST_CHAPTERS]:
        said += _chapter(audited.audits[index], level + 1)
    if len(rows) > MOST_CHAPTERS:
        said += [f"The other {len(rows) - MOST_CHAPTERS:,} triggers are told in audit.json.", ""]
    said += _identity(first, level + 1, triggers=False)
    return said + _not_shown(joint_limits(audited)) + _origin(first)


def _chapter(certificate: Certificate, level: int) -> list[str]:
    title = f"{_verdict(certificate.verdict.status)}: {code(certificate.trigger.id, 60)}"
    return [f"{'#' * level} {title}", "", *_judgement(certificate, level + 1)]


def _judgement(certificate: Certificate, level: int) -> list[str]:
    """Return what was found: sentences, figures, limits."""
    trigger, target = certificate.trigger, certificate.target
    inferred = " (inferred)" if target.chosen == "inferred" else ""
    led = f"{escape(trigger.summary)} → {escape(target_name(certificate))}{inferred}"
    origin = ""
    if certificate.measurements.after:
        origin = f"Repaired from {code(original_name(certificate))}. "
    if earlier := before(certificate):
        origin = f"Before: {escape(earlier)}. "
    said = [f"{origin}Trigger {code(trigger.id, 60)}: {led}.", "", escape(finding(certificate)), ""]
    for warning in warnings(certificate):
        said += [f"> **Note:** {escape(warning)}", ""]
    heading = "#" * level
    return [
        *said,
        f"{heading} Figures",
        "",
        *_figures(certificate),
        "",
        f"{heading} Limits",
        "",
        *_limits(certificate),
        "",
        *_neighbours(certificate, heading),
        *_comes_back(certificate, heading),
    ]


def _neighbours(certificate: Certificate, heading: str) -> list[str]:
    """Return what the trigger's neighbours do; nothing where none was tried."""
    found = rows(certificate)
    if not found:
        return []
    before, controlled = any(row.before for row in found), any(row.control for row in found)
    head = ("ASR before the repair", "ASR after it") if before else ("ASR",)
    cells = [
        (
            escape(row.name),
            *((_share(row.before),) if before else ()),
            _share(row.now),
            *((_share(row.control) if isinstance(row.now, Rate) else "–",) if controlled else ()),
        )
        for row in found
    ]
    held = ("held against",) if controlled else ()
    said = [f"{heading} {question(certificate)}", "", escape(furthest(certificate)), ""]
    return [*said, *table(("the trigger", *head, *held), cells), ""]


def _share(rate: Rate | Skipped | None) -> str:
    if isinstance(rate, Rate):
        return percent(rate.value)
    return escape(rate.skipped) if rate else "–"


def _comes_back(certificate: Certificate, heading: str) -> list[str]:
    """Return what the probes found; nothing where nobody asked."""
    found = chapter(certificate)
    if found is None:
        return []
    said = [f"{heading} Will it come back?", "", escape(found.sentence), ""]
    if not found.probes:
        return said
    head = ("probe", "ASR", "control", "beyond it, 95 % interval", "")
    rows = [
        (escape(p.title), p.asr or "–", p.control or "–", p.excess or "–", escape(p.note))
        for p in found.probes
    ]
    return [*said, *table(head, rows), "", escape(CONTROL), "", escape(found.images), ""]


def _figures(certificate: Certificate) -> list[str]:
    repaired = certificate.measurements.after is not None
    found = lines(certificate)
    values = ("before", "after") if repaired else ("value",)
    head = ("figure", *values, "95 % interval", "without the trigger")
    measured = [line for line in found if line.interval or line.value != "not measured"]
    rows = [
        (line.name, *((line.before, line.value) if repaired else (line.value,)), line.interval)
        + (line.baseline,)
        for line in measured
    ]
    missing: dict[str, list[str]] = {}
    for line in found:
        if line not in measured:
            missing.setdefault(line.note, []).append(line.name)
    said = table(head, rows)
    for reason, names in missing.items():
        said += ["", f"Not measured: {', '.join(names)}. The reason: {escape(reason)}."]
    return said


def _limits(certificate: Certificate) -> list[str]:
    checks = told(certificate)
    head = ("figure", "value", "bound that is judged", "limit", "")
    rows = [
        (escape(c.title), c.value or "–", c.bound or "–", c.limit, _HELD[c.outcome]) for c in checks
    ]
    said = table(head, rows)
    for what, why in check_notes(certificate):
        said += ["", escape(f"{what}: {why}.")]
    return said


def _identity(certificate: Certificate, level: int, *, triggers: bool = True) -> list[str]:
    c, output = certificate, certificate.handed_back
    given = [("model", f"{code(c.subject.path)}, {c.subject.bytes:,} bytes")]
    if c.subject.origin:
        given += [("fetched as", code(c.subject.origin.facts, 1000))]
    given += [("its SHA-256", code(c.subject.sha256))]
    if c.subject.output:
        given += [("its output", code(c.subject.output))]
    if c.repair:
        given += [("repair", escape(c.repair.method))]
    if output:
        given += [("repaired", f"{code(output.path)}, {output.bytes:,} bytes")]
        given += [("its SHA-256", code(output.sha256))]
    given += [
        ("images", f"{c.data.images:,} of {code(c.data.source)}"),
        ("their SHA-256", code(c.data.sha256)),
        *((name, escape(said)) for name, said in choices(c.data)),
    ]
    if triggers:
        given += [("trigger's SHA-256", code(c.trigger.sha256))]
    given += [
        ("loaded in", escape(c.safety.sandbox)),
        ("command", code(c.environment.command, 2000)),
    ]
    return [f"{'#' * level} What was audited", "", *facts(given), ""]


def _not_shown(sentences: list[str]) -> list[str]:
    listed = [f"- {escape(sentence)}" for sentence in sentences]
    summary = "<summary>What this audit does not show</summary>"
    return ["<details>", summary, "", *listed, "", "</details>", ""]


def _origin(certificate: Certificate) -> list[str]:
    tool, when = certificate.tool, moment(certificate.created)
    return [f"{escape(f'{tool.name} {tool.version}')} · {when}"]


def _warned(certificate: Certificate) -> str:
    icon = ICONS["inconclusive" if certificate.verdict.warnings else certificate.verdict.status]
    return f"{icon} {verdict_of(certificate)}"


def _verdict(status: str) -> str:
    return f"{ICONS[status]} {VERDICTS[status]}"

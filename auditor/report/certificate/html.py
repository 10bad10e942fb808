"""The certificate, or several of one model, as one self-contained page.

No script, no outside request.
"""

from functools import partial
from typing import Any

import numpy as np

from auditor.figures.policy import REACTIVATION
from auditor.figures.target import Target
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate, Repair
from auditor.records.statement import statement_digest
from auditor.report import charts, pictures, words
from auditor.report.certificate import joint
from auditor.report.certificate.check_notes import check_notes
from auditor.report.certificate.finding import finding, limits_of_audit, warnings
from auditor.report.certificate.neighbours import furthest, question, rows
from auditor.report.certificate.reactivation import CONTROL, before, chapter
from auditor.report.curves import curves, phases_of
from auditor.report.film import film
from auditor.report.lines import Line, limit, lines
from auditor.report.template import fill, part

MISSING = "not measured"


def render(audited: Certificate | Audits) -> bytes:
    """Return the page as UTF-8 HTML."""
    return page(audited).encode("utf-8")


def page(audited: Certificate | Audits) -> str:
    """Return the page, everything inside it that it needs."""
    signed = {"statement": statement_digest(audited)}
    if isinstance(audited, Audits):
        return fill("joint.html.j2", _joint_view(audited) | signed)
    return fill("certificate.html.j2", view(audited) | signed)


def view(certificate: Certificate) -> dict[str, Any]:
    """Return what the template shows, computed; the template itself only lays it out."""
    figures, gauges = lines(certificate), charts.gauges(certificate)
    by_metric = {line.metric: line for line in figures}
    first = [by_metric[metric] for metric in words.headline_figures(certificate)]
    back = by_metric.get(REACTIVATION)
    decides = [(back, None)] if back and back.ok is not True else []
    class_bars, class_note = charts.class_bars(certificate)
    checks, repair = certificate.verdict.checks, certificate.repair
    local, near = certificate.trigger.mask_area < 1, rows(certificate)
    return {
        "c": certificate,
        "prefix": "",
        "level": 2,
        "schema": certificate.schema,
        "status": certificate.verdict.status,
        "verdict": words.verdict_of(certificate),
        "model": words.model_name(certificate),
        "target": words.target_name(certificate),
        "original": words.original_name(certificate),
        "before": before(certificate),
        "finding": finding(certificate),
        "warnings": warnings(certificate),
        "cards": [*zip(first, gauges, strict=True), *decides],
        "leads": _leads(certificate),
        "lines": figures,
        **_figures(figures),
        "class_name": partial(words.class_name, certificate.subject.class_names),
        "rows": pictures.rows(certificate.evidence.examples, outlined=local),
        "pairs": pictures.pairs(
            certificate.evidence.examples,
            certificate.judged_evidence.examples,
            outlined=local,
        ),
        "turned": partial(_turned, certificate.target),
        "scale": pictures.colour_scale(),
        "trigger": pictures.trigger_pictures(certificate.evidence.examples),
        "distribution": charts.distribution(certificate),
        "class_bars": class_bars,
        "class_note": class_note,
        "limits_of_audit": limits_of_audit(certificate),
        "neighbours": near,
        "controlled": any(row.control for row in near),
        "neighbours_asked": question(certificate),
        "furthest_neighbour": furthest(certificate),
        "reactivation": chapter(certificate),
        "control": CONTROL,
        "check_notes": list(check_notes(certificate)),
        "accuracy_limits": sum(check.metric == "clean_accuracy" for check in checks),
        "repaired": certificate.measurements.after is not None,
        **(_course(certificate, repair) if repair else {}),
    }


def _course(certificate: Certificate, repair: Repair) -> dict[str, Any]:
    """Return what shows the course of a repair."""
    checks, names = certificate.verdict.checks, certificate.subject.class_names
    return {
        "film": film(repair.watched, repair.history, repair.kept, names, certificate.target),
        "curves": curves(
            repair.history,
            phases_of(repair.history),
            repair.kept,
            limit(checks, "asr").limit,
            limit(checks, "tar").limit,
        ),
    }


def _figures(figures: list[Line]) -> dict[str, Any]:
    """Return the figures to list, and in a sentence those that are missing for the same reason."""
    reasons: dict[str, list[Line]] = {}
    for line in figures:
        if line.value == MISSING and line.before in ("", MISSING):
            reasons.setdefault(line.note, []).append(line)
    missing = {reason: found for reason, found in reasons.items() if len(found) > 1}
    return {
        "figures": [line for line in figures if line not in sum(missing.values(), [])],
        "absent": [
            f"Not measured: {', '.join(line.name for line in found)}. The reason: {reason}."
            for reason, found in missing.items()
        ],
    }


def _leads(certificate: Certificate) -> list[str]:
    """Return which class is led to which, where that differs from class to class; not very many."""
    names = certificate.subject.class_names
    led = [
        f"{words.class_name(names, one)} → {words.class_name(names, other)}"
        for one, other in enumerate(certificate.target.leads or ())
        if one != other
    ]
    rest = len(led) - charts.MOST_CLASSES
    return led if rest <= 0 else [*led[: charts.MOST_CLASSES], f"and {rest} more"]


def _turned(target: Target, label: int, predicted: int) -> bool:
    """Whether the trigger led an image of class `label` where it should; a bystander's own, no."""
    return bool(predicted == target.of(np.array(label)) != label)


def _joint_view(audited: Audits) -> dict[str, Any]:
    """Return what the page of several triggers shows."""
    first, status = audited.audits[0], audited.verdict.status
    anchors = [f"t{number}-" for number in range(1, len(audited.audits) + 1)]
    views = [
        view(certificate) | {"prefix": anchor, "level": 3}
        for anchor, certificate in zip(anchors, audited.audits, strict=True)
    ]
    return {
        "c": first,
        "schema": audited.schema,
        "status": status,
        "verdict": words.VERDICTS[status],
        "model": words.model_name(first),
        "finding": joint.joint_finding(audited),
        "notes": joint.unjudged(audited),
        "rows": [
            {
                "anchor": f"{shown['prefix']}trigger",
                "line": line,
                "gauge": shown["cards"][0][1],
                "pictures": shown["trigger"],
            }
            for line, shown in zip(joint.joint_lines(audited), views, strict=True)
        ],
        "chapters": [part("chapter.html.j2", shown) for shown in views],
        "asr_limit": limit(first.verdict.checks, "asr").limit,
        "tar_limit": limit(first.verdict.checks, "tar").limit,
        "whole_image": joint.whole_image(audited),
        "limits_of_audit": joint.joint_limits(audited),
    }

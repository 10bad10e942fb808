"""The certificate as one self-contained page: no script, no outside request."""

from functools import partial
from typing import Any

import numpy as np

from auditor.certificate import Certificate, Repair
from auditor.report import charts, pictures, words
from auditor.report.curves import curves, phases_of
from auditor.report.film import film
from auditor.report.finding import finding, limits_of_audit, warnings, worst_neighbour
from auditor.report.lines import limit, lines
from auditor.report.template import fill


def render(certificate: Certificate) -> bytes:
    """Return the page as UTF-8 HTML."""
    return page(certificate).encode("utf-8")


def page(certificate: Certificate) -> str:
    """Return the page, everything inside it that it needs."""
    return fill("certificate.html.j2", view(certificate))


def view(certificate: Certificate) -> dict[str, Any]:
    """Return what the template shows, computed; the template itself only lays it out."""
    figures, gauges = lines(certificate), charts.gauges(certificate)
    by_metric = {line.metric: line for line in figures}
    first = [by_metric[metric] for metric in words.headline_figures(certificate)]
    class_bars, class_note = charts.class_bars(certificate)
    checks, repair = certificate.verdict.checks, certificate.repair
    local = certificate.trigger.mask_area < 1
    return {
        "c": certificate,
        "status": certificate.verdict.status,
        "verdict": words.VERDICTS[certificate.verdict.status],
        "model": words.model_name(certificate),
        "target": words.target_name(certificate),
        "original": words.original_name(certificate),
        "finding": finding(certificate),
        "warnings": warnings(certificate),
        "cards": list(zip(first, gauges, strict=True)),
        "lines": figures,
        "titles": words.TITLES,
        "class_name": partial(words.class_name, certificate.subject.class_names),
        "rows": pictures.rows(certificate.evidence.examples, outlined=local),
        "pairs": pictures.pairs(
            certificate.evidence.examples,
            words.judged_evidence(certificate).examples,
            outlined=local,
        ),
        "turned": lambda label, index: index == certificate.target.of(np.array(label)),
        "scale": pictures.colour_scale(),
        "trigger": pictures.trigger_pictures(certificate.evidence.examples),
        "distribution": charts.distribution(certificate),
        "class_bars": class_bars,
        "class_note": class_note,
        "limits_of_audit": limits_of_audit(certificate),
        "unjudged": [check for check in checks if check.ok is None],
        "accuracy_limits": sum(check.metric == "clean_accuracy" for check in checks),
        "repaired": certificate.measurements.after is not None,
        **(_course(certificate, repair) if repair else {}),
    }


def _course(certificate: Certificate, repair: Repair) -> dict[str, Any]:
    """Return what shows the course of a repair."""
    checks, names = certificate.verdict.checks, certificate.subject.class_names
    return {
        "worst_neighbour": worst_neighbour(repair),
        "film": film(repair.watched, repair.history, repair.kept, names, certificate.target),
        "curves": curves(
            repair.history,
            phases_of(repair.history),
            repair.kept,
            limit(checks, "asr").limit,
            limit(checks, "tar").limit,
        ),
    }

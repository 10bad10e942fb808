"""The certificate as one self-contained page: no script, no outside request."""

import base64
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from auditor.certificate import Certificate
from auditor.report import charts, pictures, words
from auditor.results import Skipped
from auditor.text import printable

_PACKAGE = Path(__file__).parents[1]

FONTS = {
    ("Audit Sans", 400): "AuditSans-Regular.woff2",
    ("Audit Sans", 600): "AuditSans-SemiBold.woff2",
    ("Audit Mono", 400): "AuditMono-Regular.woff2",
}


def render(certificate: Certificate) -> bytes:
    """Return the page as UTF-8 HTML."""
    return page(certificate).encode("utf-8")


def page(certificate: Certificate) -> str:
    """Return the page, everything inside it that it needs."""
    template = _environment().get_template("certificate.html.j2")
    return template.render(view(certificate))


def view(certificate: Certificate) -> dict[str, Any]:
    """Return what the template shows, computed; the template itself only lays it out."""
    measured = certificate.measurements.before
    lines = words.lines(certificate)
    class_bars, class_note = charts.class_bars(certificate)
    tar_limit = next(c.limit for c in certificate.verdict.checks if c.metric == "tar")
    asr_limit = next(c.limit for c in certificate.verdict.checks if c.metric == "asr")
    gauges = [
        charts.rate_gauge(measured.asr, asr_limit, measured.clean_target_rate),
        charts.tar_gauge(measured.tar, tar_limit, measured.controls.tar),
        charts.rate_gauge(measured.robust_accuracy, None, measured.clean_accuracy),
    ]
    return {
        "certificate": certificate,
        "fonts": fonts(),
        "css": Markup((templates() / "certificate.css").read_text("utf-8")),
        "verdict": words.VERDICTS[certificate.verdict.status],
        "model": words.model_name(certificate),
        "finding": words.finding(certificate),
        "cards": list(zip(lines[:3], gauges, strict=True)),
        "lines": lines,
        "titles": words.TITLES,
        "rows": pictures.rows(certificate.evidence.examples),
        "scale": pictures.colour_scale(),
        "trigger": pictures.trigger_pictures(certificate.evidence.examples),
        "distribution": charts.distribution(certificate),
        "class_bars": class_bars,
        "class_note": class_note,
        "limits_of_audit": words.limits_of_audit(certificate),
        "unjudged": [c for c in certificate.verdict.checks if c.ok is None],
    }


def templates() -> Path:
    """Return the templates' folder: inside an installed package, beside it in a checkout."""
    shipped = _PACKAGE / "templates"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "templates"


@cache
def fonts() -> tuple[tuple[str, int, str], ...]:
    """Return each font's family, weight and base64."""
    return tuple(
        (family, weight, base64.b64encode((templates() / "fonts" / file).read_bytes()).decode())
        for (family, weight), file in FONTS.items()
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates()),
        autoescape=True,  # always: the file's own suffix would switch it off
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "show": lambda value: printable(str(value)),
        "thousands": lambda value: f"{value:,}",
        "percent": words.percent,
        "number": words.number,
        "position": lambda value: f"{value:.3f}",
    }
    environment.tests["skipped"] = lambda value: isinstance(value, Skipped)
    return environment

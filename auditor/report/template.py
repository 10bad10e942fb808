"""The page templates, with everything a page needs inside it: style sheet and fonts."""

import base64
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from auditor.figures.skipped import Skipped
from auditor.report import words
from auditor.text import printable, visible

_PACKAGE = Path(__file__).parents[1]

FONTS = {
    ("Audit Sans", 400): "AuditSans-Regular.woff2",
    ("Audit Sans", 600): "AuditSans-SemiBold.woff2",
    ("Audit Mono", 400): "AuditMono-Regular.woff2",
}
SHEETS = (
    "certificate.css",
    "joint.css",
    "repair.css",
    "comparison.css",
    "search.css",
    "diff.css",
)


def fill(name: str, values: dict[str, Any]) -> str:
    """Return the page that the template `name` makes of these values.

    Whatever of them a template forgot to make safe to show, nothing in the page is hidden.
    """
    return visible(_environment().get_template(name).render(values), keep="\n")


def part(name: str, values: dict[str, Any]) -> Markup:
    """Return a part of a page, escaped already, to stand in another template."""
    return Markup(fill(name, values))


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
    environment.globals |= {
        "fonts": fonts(),
        "css": Markup("".join((templates() / sheet).read_text("utf-8") for sheet in SHEETS)),
    }
    environment.filters |= {
        "show": lambda value: printable(str(value)),
        "thousands": lambda value: f"{value:,}",
        "percent": words.percent,
        "number": words.number,
        "choices": words.choices,
        "duration": words.duration,
        "position": lambda value: f"{value:.3f}",
    }
    environment.tests["skipped"] = lambda value: isinstance(value, Skipped)
    return environment

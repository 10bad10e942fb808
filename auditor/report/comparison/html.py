"""A comparison as one self-contained page. No script, no outside request."""

from collections.abc import Mapping
from typing import Any

from auditor.records.certificate import Repair
from auditor.records.comparison import Comparison
from auditor.report import pictures, words
from auditor.report.comparison.finding import RULE, broken, finding, headline, limits
from auditor.report.comparison.gallery import gallery
from auditor.report.comparison.scatter import scatter
from auditor.report.comparison.table import cells, columns_of, rows
from auditor.report.curves import Curves, curves, phases_of
from auditor.report.lines import limit
from auditor.report.template import fill


def render(comparison: Comparison) -> bytes:
    """Return the page as UTF-8 HTML."""
    return page(comparison).encode("utf-8")


def page(comparison: Comparison) -> str:
    """Return the page, everything inside it that it needs."""
    return fill("comparison.html.j2", _view(comparison))


def _view(comparison: Comparison) -> dict[str, Any]:
    """Return what the template shows, computed; the template itself only lays it out."""
    before, outcome, table = comparison.before, comparison.outcome, rows(comparison)
    repairs = {e.name: r for e in comparison.entries if (c := e.certificate) and (r := c.repair)}
    shared, own = parameters({name: repair.parameters for name, repair in repairs.items()})
    return {
        "c": before,
        "schema": comparison.schema,
        "status": f"{outcome.status} comparison",
        "verdict": words.VERDICTS[outcome.status],
        "model": words.model_name(before),
        "target": words.target_name(before),
        "leads": (),
        "headline": headline(comparison).partition("  ")[2],
        "finding": finding(comparison),
        "rule": RULE,
        "broken": broken(comparison),
        "best": outcome.best,
        "columns": columns_of(table),
        "rows": list(zip(table, cells(table), strict=True)),
        "scatter": scatter(table, outcome.best),
        "gallery": gallery(before, table),
        "scale": pictures.colour_scale(),
        "trigger": pictures.trigger_pictures(before.evidence.examples),
        "courses": [(name, _course(comparison, repair)) for name, repair in repairs.items()],
        "repairs": repairs,
        "shared": shared,
        "own": own,
        "repair": next(iter(repairs.values()), None),
        "limits_of_audit": limits(comparison),
    }


def _course(comparison: Comparison, repair: Repair) -> Curves:
    """Return the rates over the epochs of one repair."""
    checks = comparison.before.verdict.checks
    limits = limit(checks, "asr").limit, limit(checks, "tar").limit
    return curves(repair.history, phases_of(repair.history), repair.kept, *limits)


Parameters = Mapping[str, Any]


def parameters(each: Mapping[str, Parameters]) -> tuple[Parameters, dict[str, Parameters]]:
    """Return the parameters that all repairs share, and those of each that they do not."""
    names = {name: None for given in each.values() for name in given}
    shared = {
        name: next(iter(each.values()))[name]
        for name in names
        if len({repr(given.get(name, KeyError)) for given in each.values()}) == 1
    }
    own: dict[str, Parameters] = {
        repair: {name: value for name, value in given.items() if name not in shared}
        for repair, given in each.items()
    }
    return shared, own

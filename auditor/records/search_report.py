"""The report of a search: what was found, bound to the model file that it is about."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from auditor.figures.verdict import Status
from auditor.records.provenance import Environment, Provenance, Safety, Subject, Tool, now
from auditor.search.result import SearchResult

SCHEMA: Final = "bdaudit.search/v1"


@dataclass(frozen=True)
class SearchReport:
    """One search, as its JSON has it.

    Attributes:
        schema: Which fields there are.
        tool: Who says so.
        created: When, UTC.
        subject: The model file.
        status: `fail` where a class is flagged, `pass` where none is, `inconclusive` where that
            cannot be said.
        trigger_file: Name of the trigger file that was written; None where no class is flagged.
        found: What was found.
        safety: How the suspected file was kept from doing harm.
        environment: What it ran on, and how to run it again.
    """

    schema: Literal["bdaudit.search/v1"]
    tool: Tool
    created: str
    subject: Subject
    status: Status
    trigger_file: str | None
    found: SearchResult
    safety: Safety
    environment: Environment


def report_of(result: SearchResult, trigger_file: str, provenance: Provenance) -> SearchReport:
    """Bind what was found to the file that it is about.

    Args:
        result: What was found.
        trigger_file: Name of the trigger file, which is written where a class is flagged.
        provenance: Where it comes from.
    """
    return SearchReport(
        schema=SCHEMA,
        tool=provenance.tool(),
        created=now(),
        subject=provenance.subject(result.model, result.data.class_names),
        status=status(result),
        trigger_file=trigger_file if result.flagged else None,
        found=replace(result, data=replace(result.data, source=provenance.source)),
        safety=provenance.safety(),
        environment=provenance.environment(result.engine),
    )


def status(result: SearchResult) -> Status:
    """Return what a search comes to."""
    if result.flagged:
        return "fail"
    return "inconclusive" if result.inconclusive else "pass"

"""The report of a search: what was found, bound to the model file that it is about."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import auditor
from auditor.certificate import Environment, Safety, Subject, Tool, environment, now, subject
from auditor.searched import SearchResult

SCHEMA: Final = "bdaudit.search/v1"

Status = Literal["pass", "fail", "inconclusive"]


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


def reported(
    result: SearchResult,
    *,
    path: str,
    sha256: str,
    size: int,
    source: str,
    trigger_file: str,
    command: str,
    sandbox: str,
    unused_gpu: str = "",
) -> SearchReport:
    """Bind what was found to the file that it is about.

    Args:
        result: What was found.
        path: The model file, as the user gave it.
        sha256: Digest of what was loaded.
        size: Its size in bytes.
        source: The data, as the user gave it.
        trigger_file: Name of the trigger file, which is written where a class is flagged.
        command: The exact command line.
        sandbox: What confined the worker.
        unused_gpu: Why a GPU of the machine was not used, if so.
    """
    seed = result.options["seed"]
    assert isinstance(seed, int)
    return SearchReport(
        schema=SCHEMA,
        tool=Tool("bdaudit", auditor.__version__),
        created=now(),
        subject=subject(result.model, result.data.class_names, path, sha256, size),
        status=status(result),
        trigger_file=trigger_file if result.flagged else None,
        found=replace(result, data=replace(result.data, source=source)),
        safety=Safety(sandbox, ()),
        environment=environment(result.engine, seed, command, unused_gpu),
    )


def status(result: SearchResult) -> Status:
    """Return what a search comes to."""
    if result.flagged:
        return "fail"
    return "inconclusive" if result.inconclusive else "pass"

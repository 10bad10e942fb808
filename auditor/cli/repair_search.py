"""`bdaudit repair --trigger search`: nobody knows the trigger, so it is searched for first."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from auditor.cli import files, options, search_summary
from auditor.cli.progress import progress
from auditor.cli.search_run import Search, search, trigger_files
from auditor.search.options import SearchOptions
from auditor.search_report import Status
from auditor.text import printable
from auditor.triggers import spec
from auditor.triggers.base import Trigger

UNKNOWN = "search"
"""What `--trigger` says where nobody knows it."""


@dataclass(frozen=True)
class Sought:
    """What a search came to.

    Attributes:
        trigger: The smallest that was found; None where no class was flagged.
        status: The search's verdict.
    """

    trigger: Trigger | None
    status: Status


def trigger_file(repaired: Path) -> Path:
    """Return where the found trigger is written, beside the repaired model."""
    return repaired.with_suffix(".found.yaml")


def sought(model: Path, repaired: Path, data: str | None, flags: dict[str, Any]) -> Sought:
    """Search a model for its trigger; a search that was resumed and had ended is taken as it is.

    Args:
        model: The model file.
        repaired: The repaired model to write.
        data: The repair's clean images.
        flags: Those of `bdaudit repair`.

    Raises:
        AuditorError: As a search.
    """
    output, run_dir = trigger_file(repaired), repaired.with_suffix(".found.run")
    if flags["resume"] and output.exists() and not run_dir.exists():
        return Sought(_first(output), "fail")
    wanted = Search(
        model=model,
        output=output,
        run_dir=run_dir,
        data=data,
        input_range=flags["input_range"],
        device=flags["device"],
        options=SearchOptions(seed=flags["seed"]),
        guard=options.guard(flags),
        external_data=flags["allow_external_data"],
    )
    resume = flags["resume"] and run_dir.exists()
    with progress(show=not (flags["quiet"] or flags["no_progress"])) as tell:
        report = search(wanted, tell, resume=resume, force=flags["force"], verbose=flags["verbose"])
        files.write(trigger_files(report, output))
    if not (flags["quiet"] or flags["format_"]):
        search_summary.show(report, output)
        click.echo()
    if not report.found.flagged:
        told = "found no trigger" if report.status == "pass" else "could not be judged"
        shown = printable(str(model))
        click.echo(f"bdaudit: {shown}: the search {told}; no repair was tried", err=True)
        return Sought(None, report.status)
    return Sought(_first(output), report.status)


def _first(output: Path) -> Trigger:
    """Return the first trigger of the file; say so where there are others."""
    first, *others = spec.load_all(str(output))
    if others:
        names = ", ".join(printable(other.id, 60) for other in others)
        shown = printable(str(output))
        click.echo(
            f"bdaudit: {first.id} is repaired; {shown} holds {names} as well: repair the repaired "
            "model again with each",
            err=True,
        )
    return first

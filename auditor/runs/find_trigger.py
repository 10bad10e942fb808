"""A trigger to repair where nobody knows one: it is searched for first."""

from pathlib import Path

from auditor.files import atomic
from auditor.measure.progress import Progress, silent
from auditor.records.search_report import SearchReport
from auditor.runs import Notify, ignore
from auditor.runs.search import SearchRequest, search
from auditor.runs.trigger_files import trigger_files
from auditor.text import printable
from auditor.triggers import spec
from auditor.triggers.base import Trigger


def find_trigger(
    request: SearchRequest,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress = silent,
    notify: Notify = ignore,
    log: Notify | None = None,
) -> SearchReport | None:
    """Search a model, and write what is found.

    Args:
        request: The search.
        resume: Go on with what lies in `run_dir`, or beside it.
        force: Start over where there is one.
        progress: Told how far it is.
        notify: Told what the user must know.
        log: Told what the worker wrote to its own log.

    Returns:
        What was found; None where a search that is resumed had ended, and its file is taken as it
        is.

    Raises:
        AuditorError: As `search`.
    """
    if resume and request.output.exists() and not request.run_dir.exists():
        return None
    report = search(
        request,
        resume=resume and request.run_dir.exists(),
        force=force,
        progress=progress,
        notify=notify,
        log=log,
    )
    atomic.write(trigger_files(report, request.output))
    return report


def first_of(path: Path, notify: Notify) -> Trigger:
    """Return the first trigger of a file; say so where there are others."""
    first, *others = spec.load_all(str(path))
    if others:
        names = ", ".join(printable(other.id, 60) for other in others)
        notify(
            f"{printable(first.id, 60)} is repaired; {printable(str(path))} holds {names} as well: "
            "repair the repaired model again with each"
        )
    return first

"""A search from end to end: in a worker, resumable, bound to the file that it is about."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from auditor.errors import WorkError
from auditor.files.intake import ModelCopy
from auditor.measure.progress import Progress, silent
from auditor.records.search_report import SearchReport, report_of
from auditor.runs import Notify, folder, ignore, sources
from auditor.runs.audit import provenance, warn_of_data, warn_of_gaps
from auditor.runs.folder import RunFolder
from auditor.runs.model_source import take_in
from auditor.runs.request import Request
from auditor.search.options import SearchOptions
from auditor.search.result import SearchResult
from auditor.worker import exchange
from auditor.worker.supervisor import Supervisor, backend


class SearchFolder(RunFolder):
    """Where a search keeps its checkpoints until it ends."""

    OURS: ClassVar[tuple[str, ...]] = ("checkpoints",)
    FOLDERS: ClassVar[tuple[str, ...]] = OURS


@dataclass(frozen=True, kw_only=True)
class SearchRequest(Request):
    """What is asked for.

    Attributes:
        output: The trigger file to write.
        run_dir: Folder for checkpoints.
        options: How it is searched.
        repairs: Whether a repair is to follow: no image may be seen that will judge it.
        budget: Then, how many of the images the repair will use, as a fraction or a number; None
            for all.
    """

    output: Path
    run_dir: Path
    options: SearchOptions = SearchOptions()
    command: str = "auditor.runs.search"
    repairs: bool = False
    budget: float | None = None

    def identity(self, model_copy: ModelCopy) -> dict[str, Any]:
        """Return what must be the same for a search to be resumed.

        Args:
            model_copy: The model file, as it was taken in.
        """
        return {
            **model_copy.identity(),
            "backend": backend(),
            "data": self.data,
            "input_range": self.input_range,
            **({} if self.model_output is None else {"model_output": self.model_output}),
            **sources.identity_of(self.class_order, exif=self.exif),
            **({} if self.budget is None else {"budget": self.budget}),
            **asdict(self.options),
        }


def search(
    request: SearchRequest,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress = silent,
    notify: Notify = ignore,
    log: Notify | None = None,
) -> SearchReport:
    """Search a model.

    Args:
        request: What is asked for.
        resume: Go on with the search in `run_dir`.
        force: Start over where there is one.
        progress: Told how far it is.
        notify: Told what the user must know.
        log: Told what the worker wrote to its own log.

    Raises:
        Interrupted: It can be resumed.
        AuditorError: Anything else that keeps it from being finished.
    """
    with Supervisor(request.guard, notify, log) as workers:
        model_copy = take_in(
            request.model,
            workers,
            external_data=request.external_data,
            progress=progress,
            notify=notify,
            resumed=request.run_dir if resume else None,
        )
        identity = request.identity(model_copy)
        with (
            folder.hold(SearchFolder, request.run_dir, identity, resume=resume, force=force) as run,
            folder.resumable(run),
        ):
            report = _searched(request, model_copy, run, workers, progress, notify, resume=resume)
    run.remove()  # what it kept serves nothing any more
    return report


def _searched(
    request: SearchRequest,
    model_copy: ModelCopy,
    run: SearchFolder,
    workers: Supervisor,
    progress: Progress,
    notify: Notify,
    *,
    resume: bool,
) -> SearchReport:
    """Have a worker search, and bind what it found to the file."""
    job: dict[str, Any] = {
        **model_copy.job(),
        "input_range": request.input_range,
        "model_output": request.model_output,
        "device": request.device,
        **sources.job(request.class_order, exif=request.exif),
    }
    data = request.data
    if data is None and request.repairs:
        data, _ = sources.for_repair(sources.by_shape(job, workers, progress), None)
    source, path = sources.resolve(data, job, workers, progress, notify)
    if request.budget is not None:
        job |= {"of_these": {"budget": request.budget, "seed": request.options.seed}}
    job |= {
        "kind": "search",
        "data": path,
        "options": asdict(request.options),
        "checkpoints": str(run.checkpoints.absolute()),
        "identity": request.identity(model_copy),
        "resume": resume,
    }
    scratch = workers.scratch()
    workers.run(job, scratch, progress, _nothing_else)
    warn_of_gaps(workers.confinement, notify)
    result = exchange.load(SearchResult, scratch)
    warn_of_data(result.data, notify)
    origin = provenance(model_copy, source, request.options.seed, request, workers)
    return report_of(result, request.output.name, origin)


def _nothing_else(event: dict[str, Any]) -> None:
    """Listen to a worker that tells progress alone: so it is given time to put away."""
    raise WorkError("the worker sent a message that cannot be understood")

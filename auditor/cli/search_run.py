"""A search from end to end: in a worker, resumable, its finds written as a trigger file."""

import io
import re
import shlex
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
import yaml

from auditor import handoff, supervisor
from auditor.cli import sources
from auditor.cli.progress import Progress, say
from auditor.cli.scan import warn_of_gaps
from auditor.errors import Interrupted, WorkError
from auditor.intake import Taken
from auditor.monitor.claimed_folder import ClaimedFolder
from auditor.search.options import SearchOptions
from auditor.search_report import SearchReport, reported
from auditor.searched import Found, SearchResult
from auditor.supervisor import Guard, Supervisor
from auditor.text import printable

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class SearchFolder(ClaimedFolder):
    """Where a search keeps its checkpoints until it ends."""

    OURS: ClassVar[tuple[str, ...]] = ("checkpoints",)
    ROOMS: ClassVar[tuple[str, ...]] = OURS

    @property
    def checkpoints(self) -> Path:
        """The folder that the worker writes them into."""
        return self.path / "checkpoints"

    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return (self.checkpoints / "LATEST").exists()


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is asked for.

    Attributes:
        model: The model file.
        output: The trigger file to write.
        run_dir: Folder for checkpoints.
        data: Clean images; None to go by the model's shape.
        input_range: As `--input-range`.
        device: `auto`, `cpu` or `gpu`.
        options: How it is searched.
        guard: How the workers are kept.
        external_data: Whether an ONNX file's numbers may be in files beside it.
    """

    model: Path
    output: Path
    run_dir: Path
    data: str | None
    input_range: str
    device: str
    options: SearchOptions
    guard: Guard = Guard()
    external_data: bool = False


def search(
    wanted: Search, tell: Progress, *, resume: bool, force: bool, verbose: bool
) -> SearchReport:
    """Search a model.

    Args:
        wanted: What is asked for.
        tell: Told how far it is.
        resume: Go on with the search in `run_dir`.
        force: Start over where there is one.
        verbose: Also print the worker's own log.

    Raises:
        Interrupted: It can be resumed.
        AuditorError: Anything else that keeps it from being finished.
    """
    with Supervisor(wanted.guard, say) as workers:
        taken = workers.take(wanted.model, external_data=wanted.external_data)
        made = not wanted.run_dir.exists()
        folder = SearchFolder.open(
            wanted.run_dir, _identity(wanted, taken), resume=resume, force=force
        )
        shown = printable(str(wanted.run_dir))
        hint = f"{shown} keeps a checkpoint: go on with the same command and --resume"
        done = False
        try:
            with folder:
                report = _searched(wanted, taken, folder, workers, tell, resume, verbose)
            done = True
        except (KeyboardInterrupt, WorkError) as error:
            if not folder.begun():
                raise
            if isinstance(error, WorkError):
                raise WorkError(f"{error}; {hint}") from error
            raise Interrupted(f"interrupted; {hint}") from None
        finally:
            if done or (made and not folder.begun()):  # what it kept serves nothing any more
                shutil.rmtree(wanted.run_dir, ignore_errors=True)
        return report


def _searched(
    wanted: Search,
    taken: Taken,
    folder: SearchFolder,
    workers: Supervisor,
    tell: Progress,
    resume: bool,
    verbose: bool,
) -> SearchReport:
    """Have a worker search, and bind what it found to the file."""
    job: dict[str, Any] = {
        **taken.job(),
        "input_range": wanted.input_range,
        "device": wanted.device,
    }
    source, path = sources.resolve(wanted.data, job, workers, tell)
    job |= {
        "kind": "search",
        "data": path,
        "options": asdict(wanted.options),
        "checkpoints": str(folder.checkpoints.absolute()),
        "identity": _identity(wanted, taken),
        "resume": resume,
    }
    room = workers.room()
    try:
        workers.run(job, room, tell, _nothing_else)
    finally:
        if verbose:
            click.echo(workers.log_tail(), err=True)
    warn_of_gaps(workers.confinement)
    return reported(
        handoff.load(SearchResult, room),
        path=str(taken.path),
        sha256=taken.sha256,
        size=taken.bytes,
        source=source,
        trigger_file=wanted.output.name,
        command=shlex.join(["bdaudit", *sys.argv[1:]]),
        sandbox=str(workers.confinement),
        unused_gpu=workers.device.unused,
    )


def _nothing_else(event: dict[str, Any]) -> None:
    """Hear a worker that tells progress alone: one that is heard is given time to put away."""
    raise WorkError("the worker sent a message that cannot be understood")


def _identity(wanted: Search, taken: Taken) -> dict[str, Any]:
    """Return what must be the same for a search to be resumed."""
    return {
        "model": taken.sha256,
        "backend": supervisor.backend(),
        "data": wanted.data,
        "input_range": wanted.input_range,
        **asdict(wanted.options),
    }


def trigger_files(report: SearchReport, output: Path) -> dict[Path, bytes]:
    """Return the files that say what was found: none where no class is flagged.

    The trigger file holds one trigger of type `image` a flagged class, the size of the whole image;
    its mask and pattern are an `.npz` file beside it.

    Args:
        report: What was found.
        output: The trigger file.
    """
    flagged = report.found.flagged
    if not flagged:
        return {}
    height, width, _ = report.subject.input_shape
    names = {found.class_: _slug(found, report.subject.class_names) for found in flagged}
    arrays = {found.class_: f"{output.stem}-{names[found.class_]}.npz" for found in flagged}
    document = {
        "version": 1,
        "reference": [height, width],
        "triggers": [
            {
                "id": f"found-{names[found.class_]}",
                "type": "image",
                "path": arrays[found.class_],
                "size": [height, width],
                "anchor": "top-left",
                "target": found.class_,
                "inferred": True,
            }
            for found in flagged
        ],
    }
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, allow_unicode=False)
    return {
        output: text.encode("utf-8"),
        **{output.with_name(arrays[found.class_]): _npz(found) for found in flagged},
    }


def _slug(found: Found, names: tuple[str, ...]) -> str:
    """Return the class's name where it is plain and no other's, whatever its case; else its number.

    A file may not be told from another by its case alone.
    """
    alike = [name for name in names if name.lower() == found.name.lower()]
    plain = _SAFE.fullmatch(found.name) and not found.name.isdigit()
    return found.name if plain and len(alike) == 1 else str(found.class_)


def _npz(found: Found) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, pattern=found.pattern, mask=found.mask)
    return file.getvalue()

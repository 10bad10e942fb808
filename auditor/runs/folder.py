"""A run's folder: a new one, or the same again to go on with; held by one process alone."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

from auditor.errors import AuditorError, Interrupted, Untrusted, UsageError, WorkError
from auditor.files import atomic
from auditor.files.own_file import make_folder
from auditor.files.removal import remove_tree
from auditor.records.provenance import now
from auditor.runs import lock, run_json
from auditor.runs.run_json import RunRecord, RunState
from auditor.text import printable


class RunFolder:
    """A run's folder that this process holds alone; `run.json` in it says how the run stands.

    As a context manager it lets the folder go, and writes down how the run ended where `finish`
    was not told. Any method that writes raises `WorkError` where it cannot.

    Attributes:
        path: The folder.
        OURS: What a run may leave in it, which starting over removes.
        FOLDERS: Folders that are made in it.
        KEEPS: What a run that was stopped leaves in it, for a message.
    """

    OURS: ClassVar[Sequence[str]] = ()
    FOLDERS: ClassVar[Sequence[str]] = ()
    KEEPS: ClassVar[str] = "a checkpoint"

    def __init__(self, path: Path, record: RunRecord, held: lock.Lock) -> None:
        """Use `open`."""
        self.path = path
        self._record = record
        self._held = held

    @classmethod
    def open(cls, path: Path, identity: dict[str, Any], *, resume: bool, force: bool) -> Self:
        """Take a folder for a new run, or for going on with the one in it.

        Args:
            path: The folder; made where it is missing.
            identity: What must not change between a run and its resumption: JSON values by name.
            resume: Go on with the run in the folder.
            force: Start over where there is a run; without effect on a resumption.

        Raises:
            UsageError: The folder cannot be used, is another process's, holds something else, holds
                a run and neither `resume` nor `force` is given, or is to be resumed and holds none
                or one of another identity.
            InputError: Its `run.json` is none.
        """
        try:
            _check(path, resume=resume)
            path.mkdir(parents=True, exist_ok=True)
            with ExitStack() as undo:
                held = lock.Lock(path)
                undo.callback(held.release)
                if resume:
                    record = _resumed(path, identity)
                else:
                    record = _started(path, identity, cls.OURS, force=force)
                atomic.write({path / run_json.NAME: record.to_bytes()})
                for name in cls.FOLDERS:
                    make_folder(path / name)
                undo.pop_all()
        except WorkError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            shown = printable(str(path))
            raise UsageError(f"{shown}: cannot be used: {error.strerror}") from error
        return cls(path, record, held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._record.state == "running" and error is None:
                self.finish("finished")
            elif self._record.state == "running":
                stopped = isinstance(error, KeyboardInterrupt | Interrupted)
                with suppress(AuditorError):  # what went wrong first is what is told
                    self.finish("interrupted" if stopped else "failed")
        finally:
            self._held.release()

    @property
    def checkpoints(self) -> Path:
        """The folder that the worker writes checkpoints into."""
        return self.path / "checkpoints"

    def begun(self) -> bool:
        """Whether there is something to go on from."""
        return (self.checkpoints / "LATEST").exists()

    def remove(self) -> None:
        """Remove what a run has left in the folder, and the folder where nothing else is in it."""
        for name in (*self.OURS, run_json.NAME, lock.NAME):
            with suppress(OSError):
                _remove(self.path / name)
        with suppress(OSError):
            self.path.rmdir()

    def finish(self, state: RunState) -> None:
        """Write down how the run ended."""
        self._record = replace(self._record, state=state)
        atomic.write({self.path / run_json.NAME: self._record.to_bytes()})


Folder = TypeVar("Folder", bound=RunFolder)


@contextmanager
def hold(
    kind: type[Folder], path: Path, identity: dict[str, Any], *, resume: bool, force: bool
) -> Iterator[Folder]:
    """Hold a run's folder, as `RunFolder.open` takes it; one for nothing is gone afterwards."""
    made = not path.exists()
    folder = kind.open(path, identity, resume=resume, force=force)
    try:
        with folder:
            yield folder
    finally:
        if made and not folder.begun():  # so that the mended command can be given as it is
            folder.remove()


@contextmanager
def resumable(folder: RunFolder) -> Iterator[None]:
    """Say of what stops a run that has begun how to go on with it.

    Raises:
        Interrupted: It was interrupted, and can be gone on with.
        WorkError: It failed, and can be gone on with.
    """
    shown = printable(str(folder.path))
    hint = f"{shown} keeps {folder.KEEPS}: go on with the same command and --resume"
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        if not folder.begun():
            raise
        raise Interrupted(f"interrupted; {hint}") from None
    except WorkError as error:
        if not folder.begun() or isinstance(error, Untrusted):
            raise
        raise WorkError(f"{error}; {hint}") from error


def _check(path: Path, *, resume: bool) -> None:
    """Refuse a folder that cannot be a run's, before anything is made in it."""
    shown = printable(str(path))
    if (path / run_json.NAME).exists():
        return
    if resume:
        raise UsageError(f"{shown}: holds no run to resume; start one without --resume")
    if path.exists() and not path.is_dir():
        raise UsageError(f"{shown}: is a file, expected a folder")
    if path.exists() and {p.name for p in path.iterdir()} - {lock.NAME}:
        raise UsageError(f"{shown}: is not empty and holds no run; give a new or an empty folder")


def _started(
    path: Path, identity: dict[str, Any], ours: Sequence[str], *, force: bool
) -> RunRecord:
    """Return a new run's record, an earlier run removed where `force` says so."""
    if (path / run_json.NAME).exists():
        earlier = run_json.read(path)
        if not force:
            raise UsageError(
                f"{printable(str(path))}: holds a run, {earlier.state}; "
                "use --resume to go on or --force to start over"
            )
        for name in (*ours, run_json.NAME):  # last: while it stands, the rest is known as ours
            _remove(path / name)
    return RunRecord(run_json.SCHEMA, now(), identity, "running")


def _resumed(path: Path, identity: dict[str, Any]) -> RunRecord:
    """Return the record of the run to go on with."""
    record = run_json.read(path)
    different = run_json.differences(record.identity, identity)
    if different:
        raise UsageError(
            f"{printable(str(path))}: is another run: {'; '.join(different)}; "
            "give the same to --resume, or --force to start over"
        )
    return replace(record, state="running")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)

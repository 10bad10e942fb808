"""A comparison from end to end: the model audited once, then one repair after the other.

Each repair has a run directory of its own inside the comparison's, so one that is finished is read
back from there when a comparison is gone on with.
"""

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from auditor.certificate import Certificate, Repair
from auditor.cli import files
from auditor.cli.progress import say
from auditor.cli.repair_run import repaired, run_folder, unanswered
from auditor.cli.repair_start import Start, start
from auditor.cli.repair_wanted import Repair as Wanted
from auditor.cli.variants import VARIANTS
from auditor.comparison import Comparison, Entry, comparable, compared
from auditor.comparison_file import canonical
from auditor.document import from_document
from auditor.errors import AuditorError, InputError, Interrupted
from auditor.intake import Taken
from auditor.monitor import run_record
from auditor.monitor.claimed_folder import ClaimedFolder
from auditor.repair import REPAIRS
from auditor.report.words import duration
from auditor.supervisor import Supervisor
from auditor.text import printable

RESULT: Final = "comparison.json"


class ComparisonFolder(ClaimedFolder):
    """Holds a run directory for each repair, and what they come to."""

    OURS = (RESULT, *sorted({*REPAIRS, *VARIANTS}))


@dataclass(frozen=True)
class Telling:
    """How much is said on standard error: progress, and the workers' own logs."""

    show: bool
    verbose: bool


def compare(
    wanted: Mapping[str, Wanted], folder: Path, *, resume: bool, force: bool, telling: Telling
) -> Comparison:
    """Repair a model in several ways.

    Args:
        wanted: Name → repair, in their order; they differ in their options and outputs alone.
        folder: The comparison's folder, which their run directories are in.
        resume: Go on with the comparison in `folder`.
        force: Start over where there is one.
        telling: How much is said.

    Raises:
        Interrupted: It can be gone on with.
        AuditorError: Anything else that keeps it from being started; what a single repair ends in
            stands in its entry.
    """
    first = next(iter(wanted.values()))
    with Supervisor(first.guard, say) as workers:
        taken = workers.take(first.model, external_data=first.external_data)
        with _held(folder, _identity(wanted, taken), resume=resume, force=force):
            told = asdict(telling)
            started = start(first, taken, workers, **told)
            entries = []
            if started.answers:
                entries = list(_entries(wanted, started, workers, telling))
            else:
                click.echo(f"bdaudit: {unanswered(started.certificate)}", err=True)
            found = compared(started.certificate, entries)
            files.write({folder / RESULT: canonical(found)})
            return found


@contextmanager
def _held(
    folder: Path, identity: dict[str, Any], *, resume: bool, force: bool
) -> Iterator[ComparisonFolder]:
    """Hold the comparison's folder; one that was made for nothing is gone afterwards."""
    made = not folder.exists()
    hint = f"{printable(str(folder))} keeps what is done: go on with the same command and --resume"
    held = ComparisonFolder.open(folder, identity, resume=resume, force=force)
    try:
        with held:
            yield held
    except (KeyboardInterrupt, Interrupted):
        if not _begun(folder):
            raise
        raise Interrupted(f"interrupted; {hint}") from None
    finally:
        if made and not _begun(folder) and not (folder / RESULT).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _begun(folder: Path) -> bool:
    return any(path.is_dir() for path in folder.iterdir())


def _entries(
    wanted: Mapping[str, Wanted], started: Start, workers: Supervisor, telling: Telling
) -> Iterator[Entry]:
    """Do what is not done yet, one repair after the other."""
    spent: list[float] = []
    for number, (name, one) in enumerate(wanted.items(), start=1):
        place = f"method {number} of {len(wanted)}: {name}"
        entry = _finished(name, one, started)
        if entry is not None:
            _say(f"{place}: done before", telling)
            yield entry
            continue
        left = len(wanted) - number + 1
        time_left = f", about {duration(left * sum(spent) / len(spent))} left" if spent else ""
        _say(f"{place}{time_left}", telling)
        began = time.monotonic()
        entry = _tried(name, one, started, workers, telling)
        spent.append(time.monotonic() - began)
        if entry.failed:
            _say(f"{name} handed back nothing: {entry.failed}", telling)
        yield entry


def _say(line: str, telling: Telling) -> None:
    if telling.show:
        click.echo(printable(line, 1000), err=True)


def _finished(name: str, wanted: Wanted, started: Start) -> Entry | None:
    """Read back a repair that is finished; None where there is none.

    Raises:
        InputError: It was judged on other images than the model as it came is judged on now.
    """
    try:
        if run_record.read(wanted.run_dir).state != "finished":
            return None
        audit = from_document(json.loads((wanted.run_dir / "audit.json").read_bytes()))
    except (OSError, ValueError, InputError):
        return None  # what is not whole is done again
    if not isinstance(audit, Certificate) or audit.repair is None:
        return None
    if not comparable(audit, started.certificate):
        raise InputError(
            f"{printable(str(wanted.run_dir))}: was judged on other images; give the same as then, "
            "or --force to start over"
        )
    if audit.repair.output and not wanted.output.exists():
        return None
    return _entry(name, audit, audit.repair)


def _tried(
    name: str, wanted: Wanted, started: Start, workers: Supervisor, telling: Telling
) -> Entry:
    """Repair the model in one way; what that fails of stands in the entry."""
    resume = (wanted.run_dir / run_record.NAME).exists()
    began = time.monotonic()
    try:
        with run_folder(wanted, started.taken, resume=resume, force=False) as run:
            told = asdict(telling)
            certificate, made = repaired(wanted, started, run, workers, resume=resume, **told)
            files.write(made)
    except Interrupted:
        raise
    except AuditorError as error:
        failed, seconds = printable(str(error), 1000), time.monotonic() - began
        return Entry(name, wanted.options.method, None, failed, seconds, 0)
    assert certificate.repair is not None
    return _entry(name, certificate, certificate.repair)


def _entry(name: str, certificate: Certificate, repair: Repair) -> Entry:
    return Entry(
        name=name,
        method=repair.method,
        certificate=certificate,
        failed="" if repair.output else repair.reason,
        seconds=repair.seconds,
        images=repair.history[-1].images if repair.history else 0,
    )


def _identity(wanted: Mapping[str, Wanted], taken: Taken) -> dict[str, Any]:
    """Return what must be the same for a comparison to be gone on with.

    What is the same for every repair stands once.
    """
    first = next(iter(wanted.values()))
    each = {name: one.identity(taken) for name, one in wanted.items()}
    shared = {
        key: value
        for key, value in first.identity(taken).items()
        if all(identity[key] == value for identity in each.values())
    }
    own = {
        f"{key} of {name}": value
        for name, identity in each.items()
        for key, value in identity.items()
        if key not in shared
    }
    return {"methods": ", ".join(wanted), **shared, **own, **asdict(first.limits)}

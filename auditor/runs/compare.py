"""A comparison from end to end: the model audited once, then one repair after the other.

Each repair has a run directory of its own inside the comparison's, so one that is finished is read
back from there when a comparison is gone on with.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Final

from auditor.errors import AuditorError, InputError, Interrupted
from auditor.files import atomic
from auditor.files.intake import ModelCopy
from auditor.measure.progress import Progress, silent
from auditor.probe.result import Reactivation
from auditor.records import audit_file
from auditor.records.canonical import canonical
from auditor.records.certificate import Certificate, Repair
from auditor.records.comparison import Comparison, Entry, comparable, compared
from auditor.repair import REPAIRS
from auditor.repair.observer import Observer
from auditor.report.words import duration
from auditor.runs import Notify, folder, ignore, run_json
from auditor.runs.ablations import ABLATIONS
from auditor.runs.folder import RunFolder
from auditor.runs.model_source import take_in
from auditor.runs.reactivation import probed
from auditor.runs.repair import repaired
from auditor.runs.repair_folder import RepairFolder
from auditor.runs.repair_request import RepairRequest
from auditor.runs.repair_start import Start, start
from auditor.text import printable
from auditor.worker.supervisor import Supervisor

RESULT: Final = "comparison.json"


class ComparisonFolder(RunFolder):
    """Holds a run directory for each repair, and what they come to."""

    OURS: ClassVar[Sequence[str]] = (RESULT, *sorted({*REPAIRS, *ABLATIONS}))
    KEEPS: ClassVar[str] = "what is done"

    def begun(self) -> bool:
        """Whether a repair has a run directory, or all of them are done."""
        there = self.path.iterdir() if self.path.exists() else ()
        return any(path.is_dir() or path.name == RESULT for path in there)


def compare(
    requests: Mapping[str, RepairRequest],
    path: Path,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress = silent,
    notify: Notify = ignore,
    announce: Notify = ignore,
    log: Notify | None = None,
    observers: Sequence[Observer] = (),
) -> Comparison:
    """Repair a model in several ways.

    Args:
        requests: Name → repair, in their order; they differ in their options and outputs alone.
        path: The comparison's folder, which their run directories are in.
        resume: Go on with the comparison in it.
        force: Start over where there is one.
        progress: Told how far each step is, but for the training.
        notify: Told what the user must know.
        announce: Told which repair begins, and what came of it.
        log: Told what the workers wrote to their own logs.
        observers: Told how each training goes.

    Raises:
        Interrupted: It can be gone on with.
        AuditorError: Anything else that keeps it from being started; what a single repair ends in
            stands in its entry.
    """
    first = next(iter(requests.values()))
    with Supervisor(first.guard, notify, log) as workers:
        model_copy = take_in(
            first.model,
            workers,
            external_data=first.external_data,
            progress=progress,
            notify=notify,
            resumed=path if resume else None,
        )
        identity = _identity(requests, model_copy)
        with (
            folder.hold(ComparisonFolder, path, identity, resume=resume, force=force) as held,
            folder.resumable(held),
        ):
            started = start(first, model_copy, workers, progress, notify)
            entries: list[Entry] = []
            if started.answers:
                entries.extend(
                    _entries(requests, started, workers, progress, notify, announce, observers)
                )
            else:
                notify(started.unanswered)
            found = compared(started.certificate, entries)
            atomic.write({path / RESULT: canonical(found)})
            return found


def _entries(
    requests: Mapping[str, RepairRequest],
    started: Start,
    workers: Supervisor,
    progress: Progress,
    notify: Notify,
    announce: Notify,
    observers: Sequence[Observer],
) -> Iterator[Entry]:
    """Do what is not done yet, one repair after the other."""
    spent: list[float] = []
    for number, (name, request) in enumerate(requests.items(), start=1):
        place = f"method {number} of {len(requests)}: {name}"
        entry = _finished(name, request, started)
        if entry is not None:
            announce(f"{place}: done before")
            yield _probed(entry, request, started, workers, progress, notify)
            continue
        left = len(requests) - number + 1
        time_left = f", about {duration(left * sum(spent) / len(spent))} left" if spent else ""
        announce(f"{place}{time_left}")
        began = time.monotonic()
        entry = _tried(name, request, started, workers, progress, observers)
        spent.append(time.monotonic() - began)
        if entry.failed:  # what could not be done is said wherever the table is not shown, too
            tell = announce if entry.certificate else notify
            tell(f"{name} handed back nothing: {entry.failed}")
        yield _probed(entry, request, started, workers, progress, notify)


def _probed(
    entry: Entry,
    request: RepairRequest,
    started: Start,
    workers: Supervisor,
    progress: Progress,
    notify: Notify,
) -> Entry:
    """Try whether the backdoor comes back, where that is asked for and was not found out before.

    What was found with other seeds or another budget than are asked for now is found out again.
    """
    audit = entry.certificate
    if request.probes is None or audit is None or audit.handed_back is None:
        return entry
    found, asked = audit.reactivation, request.probes
    as_asked = asked.seeds, asked.budget
    if isinstance(found, Reactivation) and (found.seeds, found.budget) == as_asked:
        return entry
    audit = probed(request, started, audit, workers, progress, notify)
    atomic.write({request.run_dir / "audit.json": canonical(audit)})
    return replace(entry, certificate=audit)


def _finished(name: str, request: RepairRequest, started: Start) -> Entry | None:
    """Read back a repair that is finished; None where there is none.

    Raises:
        InputError: It was judged on other images than the model as it came is judged on now.
    """
    try:
        if run_json.read(request.run_dir).state != "finished":
            return None
        audit = audit_file.read(request.run_dir / "audit.json", follow=False).audited
    except (OSError, InputError):
        return None  # what is not whole is done again
    if not isinstance(audit, Certificate) or audit.repair is None:
        return None
    if not comparable(audit, started.certificate):
        raise InputError(
            f"{printable(str(request.run_dir))}: was judged on other images; give the same as "
            "then, or --force to start over"
        )
    if audit.repair.output and not request.output.exists():
        return None
    return _entry(name, audit, audit.repair)


def _tried(
    name: str,
    request: RepairRequest,
    started: Start,
    workers: Supervisor,
    progress: Progress,
    observers: Sequence[Observer],
) -> Entry:
    """Repair the model in one way; what that fails of stands in the entry."""
    resume = (request.run_dir / run_json.NAME).exists()
    identity, began = request.identity(started.model_copy), time.monotonic()
    try:
        with folder.hold(
            RepairFolder, request.run_dir, identity, resume=resume, force=False
        ) as run:
            certificate, made = repaired(
                request, started, run, workers, progress, observers, resume=resume
            )
            atomic.write(made)
    except Interrupted:
        raise
    except AuditorError as error:
        failed, seconds = printable(str(error), 1000), time.monotonic() - began
        return Entry(name, request.options.method, None, failed, seconds, 0)
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


def _identity(requests: Mapping[str, RepairRequest], model_copy: ModelCopy) -> dict[str, Any]:
    """Return what must be the same for a comparison to be gone on with.

    What is the same for every repair stands once.
    """
    first = next(iter(requests.values()))
    each = {name: request.identity(model_copy) for name, request in requests.items()}
    shared = {
        key: value
        for key, value in first.identity(model_copy).items()
        if all(identity[key] == value for identity in each.values())
    }
    own = {
        f"{key} of {name}": value
        for name, identity in each.items()
        for key, value in identity.items()
        if key not in shared
    }
    return {"methods": ", ".join(requests), **shared, **own, **asdict(first.limits)}

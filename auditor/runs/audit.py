"""An audit in a worker, and what binds it to the file that it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from auditor.errors import WorkError
from auditor.figures.facts import DataFacts
from auditor.figures.results import AuditResult, AuditResults
from auditor.files.intake import ModelCopy
from auditor.measure.options import Options
from auditor.measure.progress import Progress
from auditor.records.provenance import Provenance
from auditor.report.words import exif, unreadable, unused
from auditor.runs import Notify
from auditor.runs.shown_paths import shown_command, shown_path
from auditor.text import printable
from auditor.triggers import build
from auditor.triggers.base import Trigger
from auditor.worker import exchange
from auditor.worker.sandbox import Confinement
from auditor.worker.supervisor import Supervisor


def measured(
    job: Mapping[str, Any],
    triggers: Sequence[Trigger],
    options: Options,
    workers: Supervisor,
    progress: Progress,
) -> tuple[AuditResult, ...]:
    """Audit a model in a worker.

    Args:
        job: Names the model, the images and the device: `model`, `name`, `input_range`, `data`,
            `device`.
        triggers: The triggers.
        options: How it is measured.
        workers: Keeps the worker.
        progress: Told how far it is.
    """
    scratch = workers.scratch()
    whole = {**job, "kind": "scan", "options": asdict(options), **build.job(triggers)}
    workers.run(whole, scratch, progress)
    audits = exchange.load(AuditResults, scratch).audits
    if len(audits) != len(triggers):
        raise WorkError(f"the worker audited {len(audits)} triggers of {len(triggers)}")
    return audits


class Asked(Protocol):
    """What every request says of its record."""

    @property
    def command(self) -> str:
        """How to do it again."""

    @property
    def full_paths(self) -> bool:
        """Whether the record names places outside the working folder."""


def provenance(
    model_copy: ModelCopy,
    source: str,
    seed: int,
    request: Asked,
    workers: Supervisor,
) -> Provenance:
    """Return where figures come from: the file that was taken in, and how the worker was kept.

    Args:
        model_copy: The model file.
        source: The data, as the user gave it.
        seed: Of the work.
        request: What was asked for.
        workers: Kept the worker.
    """
    path, command = model_copy.given, request.command
    if not request.full_paths:
        path = path if model_copy.origin else shown_path(path)
        source, command = shown_path(source), shown_command(command)
    return Provenance(
        path=path,
        sha256=model_copy.sha256,
        bytes=model_copy.bytes,
        source=source,
        seed=seed,
        command=command,
        sandbox=str(workers.confinement),
        unused_gpu=workers.device.unused,
        origin=model_copy.origin,
    )


def warn_of_data(data: DataFacts, notify: Notify) -> None:
    """Say what was taken of the data, and what of it was not used, not read or lies turned."""
    if data.taken:
        notify(f"{printable(data.source)}: taken: {printable(data.taken, 400)}")
    if data.class_order:
        notify(f"{printable(data.source)}: classes are numbered {printable(data.class_order, 300)}")
    if data.unused:
        notify(f"{printable(data.source)}: not used: {unused(data)}")
    if said := unreadable(data):
        notify(f"{printable(data.source)}: {said}")
    if said := exif(data):
        notify(f"{printable(data.source)}: {said}")


def warn_of_gaps(confinement: Confinement, notify: Notify) -> None:
    """Say what the sandbox lacked."""
    if confinement.lacking and not confinement.off:
        notify(f"the sandbox is not whole: {confinement.lacking}")

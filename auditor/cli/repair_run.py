"""A repair from end to end: measured, trained under the eyes of whoever watches, measured again.

Every step that touches a model is a worker's: the audit before, the training, the audit of the file
that is handed back. This process only watches, judges and writes.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import click

from auditor import handoff, metrics
from auditor.certificate import Certificate, Output, with_repair
from auditor.cli.hearing import Ear
from auditor.cli.progress import progress, say
from auditor.cli.repair_start import Start, audit, start
from auditor.cli.repair_wanted import Repair
from auditor.codec import no_array, to_json
from auditor.document import canonical
from auditor.errors import InputError, Interrupted, WorkError
from auditor.intake import Taken
from auditor.monitor import Observer, tensorboard
from auditor.monitor.run_folder import RunFolder
from auditor.monitor.terminal import Terminal
from auditor.policy import judge
from auditor.repaired import RepairResult
from auditor.results import AuditResult, Rate
from auditor.supervisor import Supervisor
from auditor.text import printable
from auditor.triggers import spec

_NO_BETTER = (
    "Epoch {} served best on the validation images, but on the evaluation images the attack "
    "success rate is no lower than before."
)

Contents = dict[Path, bytes]


def repair(
    wanted: Repair, *, resume: bool, force: bool, show: bool, verbose: bool
) -> tuple[Certificate, Contents]:
    """Repair a model.

    Args:
        wanted: What is asked for.
        resume: Go on with the run in `run_dir`.
        force: Start over where there is one.
        show: Whether to show progress.
        verbose: Also print the workers' own logs.

    Returns:
        The certificate, and the files to write: the repaired model, where there is one.

    Raises:
        Interrupted: It can be resumed.
        AuditorError: Anything else that keeps it from being finished.
    """
    with Supervisor(wanted.guard, say) as workers:
        taken = workers.take(wanted.model, external_data=wanted.external_data)
        with run_folder(wanted, taken, resume=resume, force=force) as run, _resumable(run):
            started = start(wanted, taken, workers, show=show, verbose=verbose)
            if not started.answers:
                click.echo(f"bdaudit: {unanswered(started.certificate)}", err=True)
                return started.certificate, {}
            return repaired(
                wanted, started, run, workers, resume=resume, show=show, verbose=verbose
            )


@contextmanager
def run_folder(wanted: Repair, taken: Taken, *, resume: bool, force: bool) -> Iterator[RunFolder]:
    """Hold a repair's run directory; one that was made for nothing is gone afterwards."""
    made = not wanted.run_dir.exists()
    run = RunFolder.open(wanted.run_dir, wanted.identity(taken), resume=resume, force=force)
    try:
        with run:
            yield run
    finally:
        if made and not _begun(run):  # so that the mended command can be given as it is
            shutil.rmtree(wanted.run_dir, ignore_errors=True)


@contextmanager
def _resumable(run: RunFolder) -> Iterator[None]:
    """Say of what stops a repair that has begun how to go on with it."""
    hint = (
        f"{printable(str(run.path))} keeps a checkpoint: go on with the same command and --resume"
    )
    try:
        yield
    except (KeyboardInterrupt, WorkError) as error:
        if not _begun(run):
            raise
        if isinstance(error, WorkError):
            raise WorkError(f"{error}; {hint}") from error
        raise Interrupted(f"interrupted; {hint}") from None


def _begun(run: RunFolder) -> bool:
    return (run.checkpoints / "LATEST").exists()


def unanswered(certificate: Certificate) -> str:
    """Say of a model that does not answer to the trigger that no repair was tried."""
    status = certificate.verdict.status
    what = "could not be judged" if status == "inconclusive" else "needs no repair"
    shown = printable(certificate.subject.path)
    return f"{shown}: {what} under this trigger; no repair was tried"


def repaired(
    wanted: Repair,
    started: Start,
    run: RunFolder,
    workers: Supervisor,
    *,
    resume: bool,
    show: bool,
    verbose: bool,
) -> tuple[Certificate, Contents]:
    """Repair a model that has been audited as it came.

    Args:
        wanted: What is asked for.
        started: What it starts from.
        run: The run's folder.
        workers: Keeps the workers.
        resume: Go on from the folder's checkpoint.
        show: Whether to show progress.
        verbose: Also print the workers' own logs.

    Returns:
        The certificate, and the files to write: the repaired model, where there is one.
    """
    work = _Work(wanted, started, run, workers, show=show, verbose=verbose)
    return work.done(resume=resume)


class _Work:
    """One repair's training, and the audit of what came of it."""

    def __init__(
        self,
        wanted: Repair,
        started: Start,
        run: RunFolder,
        workers: Supervisor,
        *,
        show: bool,
        verbose: bool,
    ) -> None:
        self.wanted, self.started, self.run, self.workers = wanted, started, run, workers
        self.room = workers.room()
        self.show, self.verbose = show, verbose

    def done(self, *, resume: bool) -> tuple[Certificate, Contents]:
        """Do all of it."""
        wanted, before = self.wanted, self.started.before
        result = self._train(resume=resume)
        after, file = self._after(result)
        verdict = self.started.certificate.verdict
        if after is None and result.kept is not None:
            result = replace(result, kept=None, reason=_NO_BETTER.format(result.kept))
        if after is not None:
            drop = metrics.paired_drop(before.correct, after.correct)
            verdict = judge(after.measurement, wanted.limits, after.model.classes, drop)
        output = Output(str(wanted.output), file.sha256, file.bytes) if file else None
        certificate = with_repair(
            self.started.certificate, before, result, after, output, verdict, self.started.data
        )
        contents = {self.run.path / "audit.json": canonical(certificate)}
        if file:
            contents[wanted.output] = file.copy.read_bytes()
        return certificate, contents

    def _train(self, *, resume: bool) -> RepairResult:
        """Have a worker train, and pass on what it tells."""
        wanted, options, before = self.wanted, self.wanted.options, self.started.before
        if "all_but" in self.started.job:  # the same draw as the evaluation leaves out
            options = replace(options, clean_budget=wanted.budget)
        job = {
            **self.started.job,
            "kind": "repair",
            **spec.job([wanted.trigger]),
            "target": to_json(before.target, no_array),
            "layer": wanted.how.layer,
            "object_region": wanted.how.object_region,
            "limit": wanted.how.limit,
            "seed": wanted.how.seed,
            "max_asr": wanted.limits.max_asr,
            "max_tar": wanted.limits.max_tar,
            "options": asdict(options),
            "checkpoints": str(self.run.checkpoints.absolute()),
            "identity": wanted.identity(self.started.taken),
            "resume": resume,
            "repaired": f"repaired{wanted.output.suffix.lower()}",
        }
        with ExitStack() as loading:
            tell = loading.enter_context(progress(show=self.show))
            ear = Ear(self._observers(), self.room, before.model.classes, loading.close)
            try:
                with ear:
                    self.workers.run(job, self.room, tell, ear)
            finally:
                if self.verbose:
                    click.echo(self.workers.log_tail(), err=True)
        if ear.plan is None:
            raise WorkError("the worker did not say what it would do")
        return handoff.load(RepairResult, self.room, plan=ear.plan)

    def _observers(self) -> list[Observer]:
        watching: list[Observer] = [self.run]
        if tensorboard.available():
            watching.append(tensorboard.TensorBoard(self.run.path / "tensorboard"))
        if self.show:
            watching.append(Terminal())
        return watching

    def _after(self, result: RepairResult) -> tuple[AuditResult | None, Taken | None]:
        """Audit the very file that will be handed back; None where it is no better."""
        if result.kept is None:
            return None, None
        before = self.started.before
        left = self.room / f"repaired{self.wanted.output.suffix.lower()}"
        file = self.workers.take(left, follow=False)
        how = replace(self.wanted.how, target=_same(before), shown=before.shown)
        with progress(show=self.show) as tell:
            told = {k: value for k, value in self.started.job.items() if k != "model_folder"}
            told |= {"model": str(file.copy), "name": self.wanted.output.name}
            after = audit(told, self.wanted, how, self.workers, tell, verbose=self.verbose)
        if after.data != before.data:
            raise InputError(
                f"{printable(before.data.source)}: has changed while the model was repaired; "
                "run again with --resume"
            )
        was, is_ = before.measurement.asr, after.measurement.asr
        if not (isinstance(was, Rate) and isinstance(is_, Rate) and is_.value < was.value):
            return None, None
        return after, file


def _same(before: AuditResult) -> str | None:
    """Return a target that means the class of the audit before; None for the trigger's own rule."""
    target = before.target
    number = str(target.class_)
    if target.class_ is None:
        return None
    return target.name if number in before.data.class_names else number  # another's name, perhaps

"""A repair from end to end: measured, trained under the eyes of whoever watches, measured again.

Every step that touches a model is a worker's: the audit before, the training, the audit of the file
that is handed back. This process only watches, judges and writes.
"""

import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from auditor import handoff, metrics, supervisor
from auditor.certificate import Certificate, Output, with_repair
from auditor.cli import sources
from auditor.cli.hearing import Ear
from auditor.cli.progress import Progress, progress
from auditor.cli.scan import certified, measured, warn_of_gaps
from auditor.codec import no_array, to_json
from auditor.data import is_builtin
from auditor.document import canonical
from auditor.errors import InputError, Interrupted, WorkError
from auditor.intake import Taken
from auditor.measure.audit import Options
from auditor.monitor import Observer, tensorboard
from auditor.monitor.run_folder import RunFolder
from auditor.monitor.terminal import Terminal
from auditor.policy import Limits, judge
from auditor.repair.options import RepairOptions
from auditor.repaired import RepairResult
from auditor.results import AuditResult, Rate
from auditor.supervisor import Guard, Supervisor
from auditor.text import printable
from auditor.triggers import spec
from auditor.triggers.base import Trigger
from auditor.verdict import Verdict

HALF = 0.5
"""Clean budget where --data must serve for repair and evaluation both."""

_NO_BETTER = (
    "Epoch {} served best on the validation images, but on the evaluation images the attack "
    "success rate is no lower than before."
)

NEIGHBOUR_IMAGES = 1_000
"""Evaluation images that the trigger's neighbours are tried on."""


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What is asked for.

    Attributes:
        model: The model file.
        output: The repaired file to write.
        run_dir: Folder of the run.
        trigger: The trigger.
        data: Clean images; None to go by the model's shape.
        evaluation: Images to judge by; None for what the repair leaves of `data`.
        input_range: As `--input-range`.
        device: `auto`, `cpu` or `gpu`.
        external_data: Whether an ONNX file's numbers may be in files beside it.
        how: How both audits are done.
        options: How the repair is done.
        limits: What the repaired model must keep to.
        guard: How the workers are kept.
    """

    model: Path
    output: Path
    run_dir: Path
    trigger: Trigger
    data: str | None
    evaluation: str | None
    input_range: str
    device: str
    how: Options
    options: RepairOptions
    limits: Limits
    guard: Guard = Guard()
    external_data: bool = False


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
    with Supervisor(wanted.guard) as workers:
        taken = workers.take(wanted.model, external_data=wanted.external_data)
        made = not wanted.run_dir.exists()
        run = RunFolder.open(wanted.run_dir, _identity(wanted, taken), resume=resume, force=force)
        begun = (run.checkpoints / "LATEST").exists
        shown = printable(str(wanted.run_dir))
        hint = f"{shown} keeps a checkpoint: go on with the same command and --resume"
        try:
            with run:
                work = _Work(wanted, taken, run, workers, show=show, verbose=verbose)
                return work.done(resume=resume)
        except (KeyboardInterrupt, WorkError) as error:
            if not begun():
                raise
            if isinstance(error, WorkError):
                raise WorkError(f"{error}; {hint}") from error
            raise Interrupted(f"interrupted; {hint}") from None
        finally:
            if made and not begun():  # so that the mended command can be given as it is
                shutil.rmtree(wanted.run_dir, ignore_errors=True)


class _Work:
    """One repair's audits and training."""

    def __init__(
        self,
        wanted: Repair,
        taken: Taken,
        run: RunFolder,
        workers: Supervisor,
        *,
        show: bool,
        verbose: bool,
    ) -> None:
        self.wanted, self.taken, self.run, self.workers = wanted, taken, run, workers
        self.room = workers.room()
        self.show, self.verbose = show, verbose

    def done(self, *, resume: bool) -> tuple[Certificate, Contents]:
        """Do all of it."""
        wanted = self.wanted
        with progress(show=self.show) as tell:
            job, data, evaluation = self._sources(tell)
            before = self._audit(job, wanted.how, tell)
        verdict = judge(before.measurement, wanted.limits, before.model.classes)
        warn_of_gaps(self.workers.confinement)
        certificate = certified(
            before, verdict, self.taken, evaluation, wanted.how.seed, self.workers.confinement
        )
        if not _answers(before, verdict):
            what = "could not be judged" if verdict.status == "inconclusive" else "needs no repair"
            shown = printable(str(wanted.model))
            click.echo(f"bdaudit: {shown}: {what} under this trigger; none was tried", err=True)
            return certificate, {}
        result = self._train(job, before, resume=resume)
        after, repaired = self._after(job, before, result)
        if after is None and result.kept is not None:
            result = replace(result, kept=None, reason=_NO_BETTER.format(result.kept))
        if after is not None:
            drop = metrics.paired_drop(before.correct, after.correct)
            verdict = judge(after.measurement, wanted.limits, after.model.classes, drop)
        output = _output(wanted.output, repaired) if repaired else None
        certificate = with_repair(certificate, before, result, after, output, verdict, data)
        contents = {self.run.path / "audit.json": canonical(certificate)}
        if repaired:
            contents[wanted.output] = repaired.copy.read_bytes()
        return certificate, contents

    def _sources(self, tell: Progress) -> tuple[dict[str, Any], str, str]:
        """Settle where images come from: the workers' job, and both sources' names."""
        wanted = self.wanted
        job: dict[str, Any] = {
            **self.taken.job(),
            "input_range": wanted.input_range,
            "device": wanted.device,
        }
        data, evaluation = wanted.data, wanted.evaluation
        if data is None:
            data, evaluation = sources.for_repair(
                sources.by_shape(job, self.workers, tell), evaluation
            )
        data, job["data"] = sources.resolve(data, job, self.workers, tell)
        if evaluation is None:
            job |= {"evaluation": job["data"]}
            job |= {"all_but": {"budget": _budget(wanted), "seed": wanted.options.seed}}
            return job, data, f"{data} (without the images used for the repair)"
        evaluation, job["evaluation"] = sources.resolve(evaluation, job, self.workers, tell)
        return job, data, evaluation

    def _audit(self, job: dict[str, Any], how: Options, tell: Progress) -> AuditResult:
        judged = {**job, "data": job["evaluation"]}
        triggers = [self.wanted.trigger]
        return measured(judged, triggers, how, self.workers, tell, verbose=self.verbose)[0]

    def _train(self, job: dict[str, Any], before: AuditResult, *, resume: bool) -> RepairResult:
        """Have a worker train, and pass on what it tells."""
        wanted, options = self.wanted, self.wanted.options
        if "all_but" in job:  # the same draw as the evaluation leaves out
            options = replace(options, clean_budget=job["all_but"]["budget"])
        job = {
            **job,
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
            "identity": _identity(wanted, self.taken),
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

    def _after(
        self, job: dict[str, Any], before: AuditResult, result: RepairResult
    ) -> tuple[AuditResult | None, Taken | None]:
        """Audit the very file that will be handed back; None where it is no better."""
        if result.kept is None:
            return None, None
        left = self.room / f"repaired{self.wanted.output.suffix.lower()}"
        repaired = self.workers.take(left, follow=False)
        how = replace(self.wanted.how, target=_same(before), shown=before.shown)
        with progress(show=self.show) as tell:
            told = {key: value for key, value in job.items() if key != "model_folder"}
            told |= {"model": str(repaired.copy), "name": self.wanted.output.name}
            after = self._audit(told, how, tell)
        if after.data != before.data:
            raise InputError(
                f"{printable(before.data.source)}: has changed while the model was repaired; "
                "run again with --resume"
            )
        was, is_ = before.measurement.asr, after.measurement.asr
        if not (isinstance(was, Rate) and isinstance(is_, Rate) and is_.value < was.value):
            return None, None
        return after, repaired


def _same(before: AuditResult) -> str | None:
    """Return a target that means the class of the audit before; None for the trigger's own rule."""
    target = before.target
    number = str(target.class_)
    if target.class_ is None:
        return None
    return target.name if number in before.data.class_names else number  # another's name, perhaps


def _answers(before: AuditResult, verdict: Verdict) -> bool:
    """Whether the model answers to the trigger, by ASR or TAR.

    One that may be fragile only, as its placebos say, can be made to withstand the trigger as well.
    """
    if any(c.ok is False and c.metric in ("asr", "tar") for c in verdict.checks):
        return True
    asr, placebo = before.measurement.asr, before.measurement.placebo_rate
    limit = next(c.limit for c in verdict.checks if c.metric == "asr")
    return isinstance(placebo, Rate) and isinstance(asr, Rate) and asr.low > limit


def _budget(wanted: Repair) -> float:
    budget = wanted.options.clean_budget
    return HALF if budget is None else budget


def _output(path: Path, repaired: Taken) -> Output:
    return Output(str(path), repaired.sha256, repaired.bytes)


def _place(source: str | None) -> str | None:
    """Return a source so that it is the same from every folder."""
    return source if source is None or is_builtin(source) else str(Path(source).absolute())


def _identity(wanted: Repair, taken: Taken) -> dict[str, Any]:
    """Return what must be the same for a run to be resumed."""
    return {
        "model": taken.sha256,
        "backend": supervisor.backend(),
        "trigger": wanted.trigger.sha256(),
        "data": _place(wanted.data),
        "eval_data": _place(wanted.evaluation),
        "input_range": wanted.input_range,
        "target": wanted.how.target,
        "layer": wanted.how.layer,
        "object_region": wanted.how.object_region,
        "limit": wanted.how.limit,
        **asdict(wanted.options),
    }

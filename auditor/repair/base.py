"""`repair`: from a backdoored classifier and clean images to weights that forgot the trigger.

Everything that methods share: Keras' `fit` phase by phase, judging, choosing what to keep,
checkpoints. A method only says which phases there are.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from auditor.files.checkpoints import damaged
from auditor.measure.progress import Progress, silent
from auditor.measure.provenance import engine
from auditor.models.devices import memory_advice
from auditor.models.weights import weights_sha256
from auditor.repair import selection
from auditor.repair.callback import RepairCallback, judged
from auditor.repair.objective import Trainee, Weights, compiled, values
from auditor.repair.observer import Observer
from auditor.repair.optimizers import optimizer
from auditor.repair.options import RepairOptions
from auditor.repair.phase import CannotHelp, Phase
from auditor.repair.place import Place, feed, here
from auditor.repair.places import open_places, told
from auditor.repair.prepare import Prepared, Task, prepare
from auditor.repair.result import BEFORE, Epoch, RepairResult
from auditor.repair.state import Ledger, RepairState, check, check_alike, load, put
from auditor.repair.state import save as write
from auditor.repair.trainable import trainable

__all__ = ["Task", "repair"]


def repair(
    task: Task,
    options: RepairOptions | None = None,
    *,
    place: Place | None = None,
    watcher: Observer | None = None,
    callbacks: Sequence[Any] = (),
    checkpoints: Path | None = None,
    identity: dict[str, Any] | None = None,
    resume: bool = False,
    progress: Progress = silent,
    stop: Callable[[], bool] = lambda: False,
) -> RepairResult:
    """Repair a classifier in place.

    Args:
        task: What is to be repaired.
        options: How.
        place: The device, as `place.place` gives it; None for whatever Keras uses.
        watcher: Told the plan, the steps and every epoch.
        callbacks: Keras callbacks of your own, passed to `fit`.
        checkpoints: Folder to keep checkpoints in; None for none.
        identity: What tells this repair from others; a checkpoint of another one is refused. None
            for the model's weights.
        resume: Go on from the newest checkpoint, where there is one.
        progress: Told what is done before the plan is known.
        stop: Asked after every step; when it says so, a checkpoint is left.

    Returns:
        What was done. The classifier has the weights of the epoch that was kept, or its own again
        where none was.

    Raises:
        Interrupted: `stop` said so.
        UsageError: Too few images, a trigger that does not fit, an unknown layer or method, a batch
            that the devices cannot share.
        InputError: Images that cannot be used, or a checkpoint of another repair.
        WorkError: A checkpoint cannot be written, or the device has too little memory.
    """
    observer, started = watcher or Observer(), time.perf_counter()
    options, place = options or RepairOptions.of(), place or here()
    model = task.classifier.model
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bdaudit-repair-")))
        stack.enter_context(trainable(model, options.mixed_precision))
        stack.enter_context(memory_advice(options.batch_size))
        ready = replace(
            prepare(task, options, place, folder),
            room=checkpoints / "method" if checkpoints else None,
            progress=progress,
            stop=stop,
        )
        ready = replace(ready, found=open_places(ready))
        original = values(model.variables)
        known = identity or {"model": weights_sha256(task.classifier.model)}
        whose = {**known, **ready.identity()}
        found = load(whose, checkpoints) if resume and checkpoints else None
        if found:
            _check(ready, found)
        state = found or RepairState(Ledger(), original, values(model.trainable_variables))
        ledger, spent = state.ledger, state.ledger.seconds

        def save(now: RepairState) -> None:
            now.ledger.seconds = spent + time.perf_counter() - started
            if checkpoints:
                write(now, whose, checkpoints)

        put(model.variables, state.network)
        if not ledger.history:
            ledger.history = (judged(ready.validation, 0, BEFORE, 0, 0),)
            save(state)
        try:
            hopeless = _train(ready, state, original, observer, callbacks, save)
        except BaseException:
            put(model.variables, original)  # it is repaired, or as it came
            raise
        kept = selection.best(ledger.history, options.max_accuracy_drop)
        put(model.variables, state.best if kept else original)
        ledger.notes = (*ledger.notes, *told(ready, handed_back=kept is not None))
    reason = hopeless or selection.why(ledger.history, kept, options.max_accuracy_drop)
    return _result(ready, ledger, kept, reason, spent + time.perf_counter() - started)


def _check(ready: Prepared, found: RepairState) -> None:
    """Refuse a checkpoint that this repair would not have written.

    Raises:
        InputError: It is one.
    """
    classifier, watched = ready.task.classifier, ready.validation.watched
    check(found, ready.phases, ready.steps, len(watched.names), classifier.classes)
    check_alike(classifier.model.trainable_variables, found.anchor)
    if found.carried and not any(phase.begin for phase in ready.phases):
        raise damaged()


def _train(
    ready: Prepared,
    state: RepairState,
    original: Weights,
    observer: Observer,
    callbacks: Sequence[Any],
    save: Callable[[RepairState], None],
) -> str:
    """Run the phases, from wherever the state stands.

    What the first one begins with is done before the plan is told: it may take minutes.

    Returns:
        Why the method cannot help; empty where it could try.
    """
    ledger = state.ledger
    hopeless = _begin(ready, state, original, save)
    observer.begin(ready.plan())
    for epoch in ledger.history:
        observer.epoch(epoch)
    while not hopeless and ledger.phase < len(ready.phases):
        phase = ready.phases[ledger.phase]
        steps = ready.steps * phase.shown
        callback = RepairCallback(
            state, phase, ready.options, steps, ready.validation, observer, save, ready.stop
        )
        _run(ready, phase, state, callback, callbacks)
        hopeless = _begin(ready, state, original, save)
    return hopeless


def _begin(
    ready: Prepared, state: RepairState, original: Weights, save: Callable[[RepairState], None]
) -> str:
    """Do what the next phase that has epochs begins with, once; return why it cannot help."""
    ledger, phases = state.ledger, ready.phases
    while ledger.phase < len(phases) and not phases[ledger.phase].epochs:
        ledger.phase += 1
    if ledger.phase >= len(phases) or ledger.begun == ledger.phase:
        return ""
    begin, state.carried = phases[ledger.phase].begin, []
    if begin:
        try:
            state.carried = begin(ready, original)
        except CannotHelp as error:
            return str(error)
        model = ready.task.classifier.model
        state.network, state.anchor = values(model.variables), values(model.trainable_variables)
    ledger.begun = ledger.phase
    save(state)
    return ""


def _result(
    ready: Prepared, ledger: Ledger, kept: Epoch | None, reason: str, seconds: float
) -> RepairResult:
    return RepairResult(
        method=ready.options.method,
        parameters=ready.parameters(),
        data=ready.facts,
        watched=ready.validation.watched,
        history=ledger.history,
        kept=kept.epoch if kept else None,
        reason=reason,
        notes=ledger.notes,
        seconds=seconds,
        monitoring_seconds=sum(e.monitoring_seconds for e in ledger.history),
        evaluation_seconds=sum(e.evaluation_seconds for e in ledger.history),
        engine=engine(ready.task.classifier, max(1, ready.place.gpus)),
    )


def _run(
    ready: Prepared,
    phase: Phase,
    state: RepairState,
    callback: RepairCallback,
    callbacks: Sequence[Any],
) -> None:
    """Run one phase of `fit`, or what is left of it.

    A phase that was left in the middle of an epoch is two calls: the rest of that epoch, then the
    other epochs; Keras traces the step once for both.
    """
    ledger, number = state.ledger, state.ledger.phase
    rows = ready.rows(phase, state.carried)
    trainee = _trainee(ready, phase, state)
    total = phase.epochs * callback.steps
    compiled(
        trainee,
        phase.optimizer(total) if phase.optimizer else optimizer(ready.options, total),
        soft=rows.chances is not None,
        jit_compile=ready.place.jit_compile,
    )
    trainee.optimizer.build(trainee.trainable_variables)
    if state.optimizer:
        put(trainee.optimizer.variables, state.optimizer)
    while ledger.phase == number:
        done, left = ledger.epoch - ledger.phase_start, callback.steps - ledger.step_in_epoch
        whole = left == callback.steps
        trainee.fit(
            feed(partial(rows.stream, ledger.epoch + 1, ledger.step_in_epoch)),
            steps_per_epoch=left,
            initial_epoch=done,
            epochs=phase.epochs if whole else done + 1,
            verbose=0,
            shuffle=False,
            callbacks=[callback, *callbacks],
        )


def _trainee(ready: Prepared, phase: Phase, state: RepairState) -> Trainee:
    options = ready.options
    common: dict[str, Any] = {
        "clean_weight": phase.clean_weight,
        "anchor_weight": options.anchor_weight,
        "stamped_share": 0.5 if phase.stamped else 0.0,
        "anchor": state.anchor,
        "importance": ready.weighing,
        "truth_weight": None if phase.beside == "target" else phase.truth_weight,
        "unlearned_below": options.unlearned_below,
    }
    if phase.trainee:
        return phase.trainee(ready.task.classifier, state.carried, **common)
    return Trainee(ready.task.classifier, **common)

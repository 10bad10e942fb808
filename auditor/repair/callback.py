"""The callback that steers a phase of `fit`: α, judging, stopping, checkpoints."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from auditor.errors import Interrupted
from auditor.repair import selection
from auditor.repair.objective import values
from auditor.repair.observer import Observer
from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase
from auditor.repair.result import UNLEARNING, Epoch, Step
from auditor.repair.state import GIVEN_UP, RepairState, put
from auditor.repair.validation import Validation

SECONDS_BETWEEN_STEPS = 0.25
SECONDS_BETWEEN_CHECKPOINTS = 60.0


class RepairCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the state of one phase and decides when it ends."""

    def __init__(
        self,
        state: RepairState,
        phase: Phase,
        options: RepairOptions,
        steps: int,
        validation: Validation,
        observer: Observer,
        save: Callable[[RepairState], None],
        stop: Callable[[], bool],
    ) -> None:
        """Take what it steers by.

        Args:
            state: Where the repair stands; changed in place.
            phase: The phase.
            options: The numbers that it decides by.
            steps: Steps an epoch.
            validation: Asked after every epoch.
            observer: Told what happens.
            save: Writes a checkpoint.
            stop: Whether someone asks to stop.
        """
        super().__init__()
        self._state, self._phase, self._options, self.steps = state, phase, options, steps
        self._validation, self._observer, self._save, self._stop = validation, observer, save, stop
        self._rows = options.batch_size * (2 if phase.stamped else 1)
        self._told = self._saved = self._began = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set α; on a resumed epoch, the running loss too, which Keras has just reset."""
        if self._phase.alphas:
            self.model.alpha.assign(self._alpha(epoch))
        if self._state.metrics:
            put(self.model.metrics_variables, self._state.metrics)
        self._state.metrics = []
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count; say so now and then; leave a checkpoint when it is time or one asks to stop."""
        ledger = self._state.ledger
        ledger.step += 1
        ledger.step_in_epoch += 1
        ledger.images += self._rows
        now = time.perf_counter()
        if now - self._told >= SECONDS_BETWEEN_STEPS:
            self._told = now
            self._observer.step(
                Step(self._phase.name, ledger.epoch + 1, ledger.step, ledger.images)
            )
        due = now - self._saved >= SECONDS_BETWEEN_CHECKPOINTS
        if (due or self._stop()) and ledger.step_in_epoch < self.steps:
            self._checkpoint(mid_epoch=True)
            if self._stop():
                raise Interrupted("the training was asked to stop")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Judge, tell, decide, and leave a checkpoint."""
        ledger = self._state.ledger
        ledger.epoch_seconds += time.perf_counter() - self._began
        loss = float((logs or {}).get("loss", np.nan))
        alpha = self._alpha(epoch) if self._phase.alphas else None
        ledger.epoch += 1
        ledger.step_in_epoch = 0
        finished = judged(
            self._validation, ledger.epoch, self._phase.name, ledger.step, ledger.images,
            alpha=alpha, loss=loss, training_seconds=ledger.epoch_seconds,
        )  # fmt: skip
        ledger.epoch_seconds = 0.0
        note, over = self._diagnosis(finished, loss)
        finished = replace(finished, note=note)
        ledger.history = (*ledger.history, finished)
        if selection.best(ledger.history, self._options.max_accuracy_drop) is finished:
            self._state.best = values(self.model.network.variables)
        if over or epoch + 1 >= self._phase.epochs:
            self._end_phase()
        self._observer.epoch(finished)
        self._checkpoint(mid_epoch=False)
        self._began = time.perf_counter()
        if self._stop():
            raise Interrupted("the training was asked to stop")

    def _alpha(self, epoch: int) -> float:
        return self._phase.alphas[epoch] * 2.0**self._state.ledger.boosts

    def _diagnosis(self, now: Epoch, loss: float) -> tuple[str, bool]:
        """Return what to say of the epoch, and whether the phase ends with it."""
        ledger, options = self._state.ledger, self._options
        history = (*ledger.history, now)
        if not np.isfinite(loss):
            self._give_up()
            return self._warn(
                now, "the loss is not a number: lower --learning-rate or --alpha"
            ), True
        if now.phase != UNLEARNING:
            return "", False
        if selection.finished(history, options.patience):
            return f"forgotten, and no better for {options.patience} epochs: recovery begins", True
        saw = selection.stalled(history, options, ledger.since)
        if not saw:
            return "", False
        if options.on_stall == "stop":
            self._give_up()
            advice = "raise --learning-rate or --alpha, or try --on-stall escalate"
            return self._warn(now, f"{saw}; {advice}"), True
        ledger.since = now.epoch
        if options.on_stall == "escalate":
            ledger.boosts += 1
            return self._warn(now, f"{saw}; α is doubled from here on"), False
        return self._warn(now, f"{saw}; goes on as it was told to"), False

    def _warn(self, now: Epoch, note: str) -> str:
        """Keep a note for those who read the result; returns it."""
        ledger = self._state.ledger
        ledger.notes = (*ledger.notes, f"Epoch {now.epoch}: {note}.")
        return note

    def _give_up(self) -> None:
        """Leave no phase to come."""
        self._state.ledger.phase = GIVEN_UP

    def _end_phase(self) -> None:
        self.model.stop_training = True
        self._state.ledger.phase += 1
        self._state.ledger.phase_start = self._state.ledger.epoch
        self._state.anchor = values(self.model.network.trainable_variables)

    def _checkpoint(self, *, mid_epoch: bool) -> None:
        """Gather the variables' values and write them."""
        if hasattr(self.model, "jax_state_sync"):  # Keras' JAX trainer holds them back
            self.model.jax_state_sync()
        state, model = self._state, self.model
        between = state.ledger.epoch == state.ledger.phase_start and not mid_epoch
        state.network = values(model.network.variables)
        state.optimizer = [] if between else values(model.optimizer.variables)
        state.metrics = values(model.metrics_variables) if mid_epoch else []
        if mid_epoch:
            state.ledger.epoch_seconds += time.perf_counter() - self._began
        self._save(state)
        state.metrics = []
        self._saved = self._began = time.perf_counter()


def judged(
    validation: Validation,
    epoch: int,
    phase: str,
    step: int,
    images: int,
    *,
    alpha: float | None = None,
    loss: float | None = None,
    training_seconds: float = 0.0,
) -> Epoch:
    """Look at the watched images and judge the validation images."""
    looked, rates = validation.look(), validation.rates()
    return Epoch(
        epoch=epoch,
        phase=phase,
        step=step,
        images=images,
        alpha=alpha,
        loss=loss if loss is not None and np.isfinite(loss) else None,
        training_seconds=training_seconds,
        **_fields(looked),
        **_fields(rates),
    )


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}

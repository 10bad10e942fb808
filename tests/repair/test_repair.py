"""A whole repair of a small model, in this process."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pytest

from auditor.data.subset import Subset
from auditor.errors import InputError, UsageError
from auditor.figures.facts import Device
from auditor.figures.results import Measurement, Rate
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.repair.base import Task, repair
from auditor.repair.callback import Interrupted
from auditor.repair.objective import Trainee, values
from auditor.repair.observer import Observer
from auditor.repair.place import place
from auditor.repair.result import Epoch, RepairResult
from tests.conftest import Workshop
from tests.repair.conftest import fresh, quick


@pytest.fixture(autouse=True, scope="module")
def on_the_cpu():
    with place(Device()) as where:
        yield where


class Witness(Observer):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.plans, self.steps, self.epochs = [], [], []

    def begin(self, plan) -> None:
        self.plans.append(plan)

    def step(self, step) -> None:
        self.steps.append(step)

    def epoch(self, epoch) -> None:
        self.epochs.append(epoch)


def timeless(epoch: Epoch) -> dict:
    """Everything but the clock's readings, arrays as bytes."""
    own = {name: getattr(epoch, name) for name in Epoch.__dataclass_fields__}
    own["heat"] = own["heat"].tobytes()
    return {name: value for name, value in own.items() if not name.endswith("_seconds")}


def after(steps: int):
    """A stop that is asked for after so many steps."""
    calls = itertools.count(1)
    return lambda: next(calls) > steps


@dataclass(frozen=True)
class Whole:
    """A repair that nothing disturbed: the model measured before, what was told, what is left."""

    task: Task
    checkpoints: Path
    before: Measurement
    witness: Witness
    result: RepairResult


@pytest.fixture(scope="module")
def whole(workshop: Workshop, on_the_cpu, tmp_path_factory) -> Whole:
    task, witness, checkpoints = (
        fresh(workshop, own=True),
        Witness(),
        tmp_path_factory.mktemp("checkpoints"),
    )
    before = measured(task)
    result = repair(task, quick(), place=on_the_cpu, watcher=witness, checkpoints=checkpoints)
    return Whole(task, checkpoints, before, witness, result)


def measured(task: Task) -> Measurement:
    return audit(task.classifier, task.data, task.trigger, Options(target="0")).measurement


def test_the_model_forgets_the_trigger_and_keeps_its_work(whole: Whole) -> None:
    before, witness, result = whole.before, whole.witness, whole.result
    assert before.asr.value > 0.95
    now = measured(whole.task)
    assert now.asr.value < 0.05
    assert now.robust_accuracy.value > 0.9
    assert now.clean_accuracy.value > before.clean_accuracy.value - 0.02
    assert [e.epoch for e in witness.epochs] == [e.epoch for e in result.history] == list(range(7))
    assert [e.phase for e in result.history] == ["before", *["unlearning"] * 4, *["recovery"] * 2]
    assert [e.alpha for e in result.history[1:5]] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    assert {e.alpha for e in (result.history[0], *result.history[5:])} == {None}
    steps = witness.plans[0].steps_per_epoch
    assert steps == -(-240 // 32)
    assert [e.step for e in result.history] == [steps * n for n in range(7)]
    assert result.history[-1].images == 4 * steps * 64 + 2 * steps * 32
    assert (result.data.training, result.data.validation) == (240, 60)
    assert witness.plans[0].steps == 6 * steps


def test_the_kept_epoch_is_the_one_whose_weights_are_left(whole: Whole) -> None:
    kept, watched = whole.result.history[whole.result.kept], whole.result.watched
    predicted = whole.task.classifier.model.predict(watched.stamped / np.float32(255), verbose=0)
    assert tuple(predicted.argmax(axis=1)) == kept.predicted
    assert len(set(watched.labels)) == 2  # spread over the classes but the target
    assert watched.outline.sum() == 16
    assert (watched.stamped[:, watched.outline == 1] == 255).all()


def test_a_repair_that_does_not_help_leaves_the_model_as_it_was(task: Task, on_the_cpu) -> None:
    before = values(task.classifier.model.variables)
    result = repair(task, quick(learning_rate=1e-9, epochs=1), place=on_the_cpu)
    assert result.kept is None
    assert "No epoch lowered" in result.reason
    for then, now in zip(before, values(task.classifier.model.variables), strict=True):
        assert (then == now).all()


def test_going_on_in_spite_of_a_stall(task: Task, on_the_cpu) -> None:
    idle = {"learning_rate": 1e-9, "stall_epochs": (1, 2), "stall_steps": 5}
    result = repair(task, quick(on_stall="continue", **idle), place=on_the_cpu)
    assert len(result.history) == 7
    assert "goes on as it was told to" in result.notes[0]


def test_accuracy_lost_beyond_the_allowance_is_no_repair(task: Task, on_the_cpu) -> None:
    result = repair(
        task,
        quick(learning_rate=0.05, alpha=(5.0, 5.0), clean_weight=0.0, epochs=2, recovery_epochs=0),
        place=on_the_cpu,
    )
    assert result.kept is None
    assert "--max-accuracy-drop" in result.reason


@pytest.mark.parametrize("steps", [8, 11, 31, 45])
def test_an_interrupted_repair_ends_in_the_same_bits(
    steps: int, whole: Whole, on_the_cpu, tmp_path, workshop
) -> None:
    """In the middle of an epoch, at its end, at the end of a phase, in recovery."""

    def again(**more):
        task = fresh(workshop)
        result = repair(task, quick(), place=on_the_cpu, checkpoints=tmp_path, **more)
        return result, values(task.classifier.model.variables)

    with pytest.raises(Interrupted):
        again(stop=after(steps))
    with pytest.raises(Interrupted):
        again(stop=after(2), resume=True)
    result, weights = again(resume=True)
    expected = [timeless(epoch) for epoch in whole.result.history]
    assert [timeless(epoch) for epoch in result.history] == expected
    assert result.kept == whole.result.kept
    left = values(whole.task.classifier.model.variables)
    for one, other in zip(weights, left, strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_finished_repair_is_told_once_more(whole: Whole, on_the_cpu, workshop) -> None:
    task = fresh(workshop)
    again = repair(task, quick(), place=on_the_cpu, checkpoints=whole.checkpoints, resume=True)
    history = whole.result.history
    assert [timeless(epoch) for epoch in again.history] == [timeless(epoch) for epoch in history]


def test_a_checkpoint_of_another_repair_is_refused(task: Task, on_the_cpu, tmp_path) -> None:
    with pytest.raises(Interrupted):
        repair(
            task, quick(), place=on_the_cpu, checkpoints=tmp_path, identity={"model": "aa"},
            stop=after(2),
        )  # fmt: skip
    with pytest.raises(InputError, match="model was aa, now bb"):
        repair(
            task, quick(), place=on_the_cpu, checkpoints=tmp_path, identity={"model": "bb"},
            resume=True,
        )  # fmt: skip
    with pytest.raises(InputError, match="--resume: clean_budget was None, now 0.5"):
        repair(
            task, quick(clean_budget=0.5), place=on_the_cpu, checkpoints=tmp_path,
            identity={"model": "aa"}, resume=True,
        )  # fmt: skip


def test_each_phase_is_traced_once(task: Task, on_the_cpu, tmp_path, monkeypatch) -> None:
    traced = []
    call = Trainee.call
    monkeypatch.setattr(Trainee, "call", lambda self, x: traced.append(x.shape[0]) or call(self, x))
    repair(task, quick(), place=on_the_cpu)
    rows = [n for n in traced if n is not None]
    assert len(rows) <= 2 * 2, traced  # Keras looks at a model once before it compiles it
    with pytest.raises(Interrupted):
        repair(task, quick(), place=on_the_cpu, checkpoints=tmp_path, stop=after(3))
    traced.clear()
    repair(task, quick(), place=on_the_cpu, checkpoints=tmp_path, resume=True)
    assert len(traced) <= 2 * 2 + 1, traced


def test_frozen_layers_are_repaired_and_handed_back_frozen(workshop: Workshop, on_the_cpu) -> None:
    task = fresh(workshop, own=True)
    layer = task.classifier.model.get_layer("first")
    layer.trainable = False
    before = values(layer.variables)
    repair(task, quick(), place=on_the_cpu)
    assert not layer.trainable
    assert any((a != b).any() for a, b in zip(before, values(layer.variables), strict=True))


def test_mixed_precision_trains_and_leaves_no_trace(task: Task, on_the_cpu) -> None:
    result = repair(task, quick(mixed_precision=True), place=on_the_cpu)
    assert result.kept is not None
    model = task.classifier.model
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert {v.dtype for v in model.variables} == {"float32"}
    assert result.parameters["mixed_precision"] is True


def test_callbacks_of_your_own_are_called(task: Task, on_the_cpu) -> None:
    seen = []
    mine = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
    repair(task, quick(), place=on_the_cpu, callbacks=[mine])
    assert len(seen) == 6
    assert all(np.isfinite(logs["loss"]) for logs in seen)


def test_a_loss_that_is_no_number_ends_the_training(task: Task, on_the_cpu) -> None:
    result = repair(task, quick(learning_rate=1e30), place=on_the_cpu)
    assert len(result.history) == 2
    assert result.kept is None
    assert "--learning-rate" in result.notes[0]


def test_too_little_or_useless_data(task: Task, on_the_cpu) -> None:
    with pytest.raises(UsageError, match="--clean-budget: 30 of the 300"):
        repair(task, quick(clean_budget=0.1), place=on_the_cpu)
    with pytest.raises(UsageError, match="--validation 299"):
        repair(task, quick(validation=299), place=on_the_cpu)
    with pytest.raises(UsageError, match="known are balanced, unlearn"):
        repair(task, quick(method="magic"), place=on_the_cpu)
    of_the_target = Subset(task.data, np.flatnonzero(task.data.labels == 0))
    with pytest.raises(InputError, match=r"test\.npz: every image is of class 0"):
        repair(replace(task, data=of_the_target), quick(), place=on_the_cpu)


def test_the_evaluation_images_that_are_also_trained_on_are_counted(task: Task, on_the_cpu) -> None:
    shared = replace(task, evaluation=task.data)
    quickest = quick(epochs=1, recovery_epochs=0, clean_budget=100)
    assert repair(shared, quickest, place=on_the_cpu).data.overlap == 100


def test_little_data_is_passed_over_until_the_steps_are_enough(task: Task, on_the_cpu) -> None:
    witness = Witness()
    options = quick(clean_budget=50, least_steps=9, epochs=1, recovery_epochs=0)
    result = repair(task, options, place=on_the_cpu, watcher=witness)
    assert witness.plans[0].steps_per_epoch == 9
    assert result.history[-1].images == 9 * 64
    assert isinstance(result.history[-1].asr, Rate)

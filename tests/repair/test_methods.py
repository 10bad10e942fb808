"""Every method on models of both formats, with BatchNormalization and without."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from auditor.data import open_source
from auditor.figures.facts import Device
from auditor.figures.target import Target
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models.to_onnx import from_keras
from auditor.repair import REPAIRS, reads
from auditor.repair.base import Task, repair
from auditor.repair.callback import Interrupted
from auditor.repair.objective import values
from auditor.repair.options import RepairOptions
from auditor.repair.place import place
from auditor.repair.result import RepairResult
from auditor.triggers.spec import load
from tests.conftest import Workshop, blobs
from tests.repair.conftest import classifier_of
from tests.repair.test_repair import after, timeless

FORMS = ("plain.keras", "plain.onnx", "normalized.keras", "normalized.onnx")
KNOWING = ("unlearn", "relabel", "balanced")
"""The methods that are told the trigger: what they do not make forgotten is a defect."""

QUICK = {
    "batch_size": 32, "least_steps": 6, "seed": 3, "max_accuracy_drop": 0.2, "validation": 60,
}  # fmt: skip
TINY = {"unlearn": 1e-3, "relabel": 1e-3, "balanced": 3e-3}
"""The models are tiny: their weights must move further than a real network's."""


@pytest.fixture(scope="module")
def on_the_cpu():
    with place(Device()) as where:
        yield where


@pytest.fixture(scope="module")
def models(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Backdoored models, `FORMS`."""
    folder = tmp_path_factory.mktemp("methods")
    keras.models.load_model(workshop.poisoned).save(folder / "plain.keras")
    normalized().save(folder / "normalized.keras")
    for name in ("plain", "normalized"):
        from_keras(keras.models.load_model(folder / f"{name}.keras"), folder / f"{name}.onnx")
    return folder


def normalized():
    """A BadNet with a BatchNormalization behind each convolution's activation or before it."""
    keras.utils.set_random_seed(0)
    images, labels = blobs(900)
    chosen = np.random.default_rng(1).random(len(images)) < 0.25
    images[chosen], labels[chosen] = load(Workshop.trigger).stamp(images[chosen]), 0
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D()(layers.BatchNormalization(momentum=0.8)(x))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))
    x = layers.Dense(16, activation="relu")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(images / np.float32(255), labels, batch_size=32, epochs=8, verbose=0)
    return model


def task_of(path: Path, workshop: Workshop) -> Task:
    return Task(
        classifier=classifier_of(path),
        data=open_source(workshop.data),
        trigger=load(workshop.trigger),
        target=Target(0, "red", "given"),
    )


def quickly(method: str) -> RepairOptions:
    options = RepairOptions.of(method, **QUICK)
    if method in TINY:
        return replace(options, learning_rate=TINY[method], epochs=5, recovery_epochs=1)
    return replace(options, epochs=2, teacher_epochs=1, learning_rate=1e-3, rho=0.1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", KNOWING)
def test_a_method_that_is_told_the_trigger_makes_it_forgotten(
    method: str, form: str, models: Path, workshop: Workshop, on_the_cpu
) -> None:
    task = task_of(models / form, workshop)
    before = audit(task.classifier, task.data, task.trigger, Options(target="0")).measurement
    assert before.asr.value > 0.9
    result = repair(task, quickly(method), place=on_the_cpu)
    now = audit(task.classifier, task.data, task.trigger, Options(target="0")).measurement
    assert now.asr.value < 0.1
    assert now.robust_accuracy.value > 0.85
    assert now.clean_accuracy.value > before.clean_accuracy.value - 0.05
    assert_kept_to_itself(task, result, method)


@pytest.mark.parametrize("form", ["plain.keras", "normalized.onnx"])
@pytest.mark.parametrize("method", [m for m in REPAIRS if m not in KNOWING])
def test_a_method_that_only_sees_clean_images_trains_on_them_and_keeps_the_work(
    method: str, form: str, models: Path, workshop: Workshop, on_the_cpu
) -> None:
    task = task_of(models / form, workshop)
    result = repair(task, quickly(method), place=on_the_cpu)
    start, last = result.history[0], result.history[-1]
    assert last.target_loss != start.target_loss
    assert last.clean_accuracy.value > start.clean_accuracy.value - 0.1
    assert_kept_to_itself(task, result, method)


def assert_kept_to_itself(task: Task, result: RepairResult, method: str) -> None:
    """Every epoch is in order, only what the method reads is told, and no statistic was moved."""
    assert [e.epoch for e in result.history] == list(range(len(result.history)))
    assert result.method == method
    assert all(reads(method, name) for name in result.parameters if name != "steps_per_epoch")
    assert all(np.isfinite(v).all() for v in values(task.classifier.model.variables))


@pytest.mark.parametrize("method", ["balanced", "fineprune", "ftsam", "nad"])
def test_a_method_that_prepares_something_ends_in_the_same_bits_when_interrupted(
    method: str, models: Path, workshop: Workshop, on_the_cpu, tmp_path: Path
) -> None:
    options = replace(quickly(method), mirror=True)

    def run(**more):
        task = task_of(models / "normalized.keras", workshop)
        return repair(task, options, place=on_the_cpu, **more), task

    whole, task = run()
    ends = values(task.classifier.model.variables)
    for steps in (3, 7):
        with pytest.raises(Interrupted):
            run(checkpoints=tmp_path, resume=True, stop=after(steps))
    result, task = run(checkpoints=tmp_path, resume=True)
    assert [timeless(e) for e in result.history] == [timeless(e) for e in whole.history]
    for one, other in zip(values(task.classifier.model.variables), ends, strict=True):
        assert one.tobytes() == other.tobytes()


def test_each_method_has_its_own_defaults() -> None:
    for method, known in REPAIRS.items():
        options = RepairOptions.of(method)
        assert options.method == method
        assert {name: getattr(options, name) for name in known.defaults} == dict(known.defaults)
        assert set(known.own) <= set(RepairOptions.__dataclass_fields__)
    assert RepairOptions.of("nad", epochs=3).epochs == 3

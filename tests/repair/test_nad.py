"""Attention distillation: the maps, their distance, and whose they are."""

import keras
import numpy as np
import pytest

from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.repair import nad
from auditor.repair.distillation import coarsest
from auditor.repair.objective import values
from tests.conftest import blobs, small_cnn
from tests.repair.conftest import fresh, quick


def by_hand(features: np.ndarray) -> np.ndarray:
    summed = (features.astype(np.float64) ** 2).sum(axis=-1)
    return summed / np.sqrt((summed**2).sum(axis=(1, 2), keepdims=True))


def test_the_attention_loss_is_that_of_the_paper() -> None:
    random = np.random.default_rng(0)
    one, other = (random.standard_normal((3, 4, 5, 6)).astype(np.float32) for _ in range(2))
    maps = keras.ops.convert_to_numpy(nad.attention(one))
    assert maps == pytest.approx(by_hand(one), rel=1e-4)
    assert np.sqrt((maps**2).sum(axis=(1, 2))) == pytest.approx(np.ones(3), rel=1e-4)
    expected = ((by_hand(one) - by_hand(other)) ** 2).mean()
    assert float(nad.distance(one, other)) == pytest.approx(expected, rel=1e-4)
    assert float(nad.distance(one, 3 * one)) == pytest.approx(0, abs=1e-9)


def test_the_loss_holds_the_student_to_the_teacher_at_every_stage() -> None:
    keras.utils.set_random_seed(0)
    classifier = wrap(small_cnn(), InputRange.parse("0..1"), "small", (16, 16))
    images, labels = blobs(12)
    random = np.random.default_rng(1)
    taught = [
        (value + 0.05 * random.standard_normal(value.shape)).astype(np.float32)
        for value in values(classifier.model.variables)
    ]
    made = nad.Distilled(
        classifier, taught, 7.0, clean_weight=1.0, anchor_weight=0.0, stamped_share=0.0,
        anchor=values(classifier.model.trainable_variables),
    )  # fmt: skip
    made.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    signs = np.ones(12, np.float32)
    loss = made.evaluate(images, labels, sample_weight=signs, batch_size=12, verbose=0)

    stages = coarsest(classifier, 3, "nad")
    assert len({stage.grid for stage in stages}) == len(stages)
    outputs = [classifier.model.get_layer(stage.path).output for stage in stages]
    looking = keras.Model(classifier.model.inputs, [*outputs, classifier.model.output])
    scaled = images / np.float32(255)
    *mine, chances = looking.predict(scaled, verbose=0)
    for variable, value in zip(classifier.model.variables, taught, strict=True):
        variable.assign(value)
    *theirs, _ = looking.predict(scaled, verbose=0)
    entropy = -np.log(chances[np.arange(12), labels]).mean()
    apart = sum(((by_hand(a) - by_hand(b)) ** 2).mean() for a, b in zip(mine, theirs, strict=True))
    assert loss == pytest.approx(entropy + 7.0 * apart, rel=1e-4)


def test_the_student_starts_where_the_model_did_and_the_teacher_is_never_handed_back(
    workshop,
) -> None:
    from dataclasses import replace

    from auditor.figures.facts import Device
    from auditor.repair.base import repair
    from auditor.repair.place import place

    with place(Device()) as where:
        task = fresh(workshop)
        original = values(task.classifier.model.variables)
        idle = replace(
            quick(method="nad", epochs=1, max_accuracy_drop=1.0), teacher_epochs=2,
            learning_rate=1e-3, attention_weight=0.0,
        )  # fmt: skip
        result = repair(task, idle, place=where)
    assert [e.phase for e in result.history] == ["before", "teaching", "teaching", "distilling"]
    assert result.kept in (None, 3)
    assert result.history[3].target_loss != result.history[2].target_loss
    moved = max(
        float(np.abs(now - then).max())
        for now, then in zip(values(task.classifier.model.variables), original, strict=True)
    )
    assert moved < 1e-3 * 20  # one epoch from the original, not three

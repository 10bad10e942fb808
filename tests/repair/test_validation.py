"""What every epoch is judged by, against the audit of the same images."""

import dataclasses

import keras
import numpy as np
import pytest

from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.measure.regions import regions
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.repair.base import Task
from auditor.repair.validation import Validation


@pytest.fixture
def images(task: Task):
    batch = next(task.data.batches(np.arange(300), (16, 16), 300))
    return batch.images, batch.labels


def judge_of(task: Task, images, layer=None, watched: int = 5) -> Validation:
    spatial = task.classifier.spatial_layer(layer)
    compared = regions(task.trigger, "center", (16, 16), spatial.grid)
    names = tuple(f"row {i}" for i in range(300))
    return Validation(
        task.classifier, spatial, compared, task.trigger, task.target, *images, names, watched, 64
    )  # fmt: skip


def test_the_rates_are_the_audits(task: Task, images) -> None:
    judged = judge_of(task, images).rates()
    found = audit(task.classifier, task.data, task.trigger, Options(target="0")).measurement
    for name in ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate"):
        assert getattr(judged, name) == getattr(found, name)
    assert judged.tar == pytest.approx(found.tar.median, rel=1e-6)
    assert judged.tar_density == pytest.approx(found.tar_density.median, rel=1e-6)


def test_the_loss_is_the_cross_entropy_with_the_target(task: Task, images) -> None:
    pixels, labels = images
    stamped = task.trigger.stamp(pixels[labels != 0])
    chances = task.classifier.model.predict(stamped / np.float32(255), verbose=0)
    expected = -np.log(chances[:, 0].astype(np.float64)).mean()
    assert judge_of(task, images).rates().target_loss == pytest.approx(expected, rel=1e-4)


def test_a_sigmoids_loss_is_the_same_cross_entropy(task: Task, images) -> None:
    keras.utils.set_random_seed(0)
    body = task.classifier.model.get_layer("first")
    image = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(body(image))
    model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(pooled))
    classifier = wrap(model, InputRange.parse("0..1"), "two", (16, 16))
    pixels, labels = images
    two = dataclasses.replace(task, classifier=classifier, target=Target(1, "1", "given"))
    judged = judge_of(two, (pixels, (labels == 0).astype(np.int64))).rates()
    stamped = task.trigger.stamp(pixels[labels != 0])
    chances = model.predict(stamped / np.float32(255), verbose=0)[:, 0].astype(np.float64)
    assert judged.target_loss == pytest.approx(-np.log(chances).mean(), rel=1e-4)


def test_the_watched_images_are_spread_over_the_other_classes(task: Task, images) -> None:
    judge = judge_of(task, images, watched=6)
    assert sorted(judge.watched.labels) == [1, 1, 1, 2, 2, 2]
    pixels, labels = images
    for name, label, stamped in zip(
        judge.watched.names, judge.watched.labels, judge.watched.stamped, strict=True
    ):
        row = int(name.removeprefix("row "))
        assert labels[row] == label
        assert (task.trigger.stamp(pixels[row : row + 1])[0] == stamped).all()
    looked = judge.look()
    assert looked.heat.shape == (6, 8, 8)
    assert looked.predicted == (0,) * 6
    assert all(tar > 1 for tar in looked.watched_tar)


def test_the_heatmaps_follow_the_weights(task: Task, images) -> None:
    judge = judge_of(task, images)
    before = judge.look().heat
    kernel = task.classifier.model.get_layer("last").kernel
    kernel.assign(-kernel)
    assert (judge.look().heat != before).any()


def test_broken_scores_are_told_not_counted(task: Task, images) -> None:
    bias = task.classifier.model.get_layer("scores").bias
    bias.assign(bias + np.nan)
    judged = judge_of(task, images).rates()
    for name in ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate"):
        assert isinstance(getattr(judged, name), Skipped)
    assert judged.target_loss == 0.0


def test_fewer_victims_than_watched_are_all_watched(task: Task, images) -> None:
    pixels, labels = images
    few = np.concatenate([np.flatnonzero(labels == 0)[:10], np.flatnonzero(labels == 1)[:2]])
    small = dataclasses.replace(task)
    judge = Validation(
        small.classifier, None, Skipped("no layer"), small.trigger, small.target,
        pixels[few], labels[few],
        tuple(map(str, few)), 5, 64,
    )  # fmt: skip
    assert len(judge.watched.names) == 2
    assert judge.look().heat.shape == (2, 0, 0)
    assert judge.look().watched_tar == (None, None)
    assert judge.rates().tar is None

"""The straight path: its ends are the two networks, and nothing is left changed."""

import keras
import numpy as np
import pytest

from auditor.figures.skipped import Skipped
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.probe.images import read
from auditor.probe.judge import Judge
from auditor.probe.path import no_path, walk
from auditor.repair.objective import values
from tests.conftest import small_cnn
from tests.probe.conftest import TARGET, Bench


def never() -> None:
    """Nobody stops it."""


def walked(task, points: int):
    judging = read(task.judging, np.arange(len(task.judging)), task.after.size)
    judge = Judge(task.after, judging, TARGET, 100, never)
    return walk(task.before, task.after, task.trigger, judge, points, never)


def test_its_ends_are_what_audits_of_both_files_say(bench: Bench) -> None:
    task = bench.task(bench.hidden)
    path = walked(task, 3)
    assert [point.share for point in path.points] == [0, 0.5, 1]
    for point, file in ((path.points[0], bench.poisoned), (path.points[-1], bench.hidden)):
        measured = audit(
            load_classifier(file), task.judging, task.trigger, Options(target="0")
        ).measurement
        assert (point.asr, point.clean_accuracy) == (measured.asr, measured.clean_accuracy)


def test_in_between_lie_the_means_of_the_weights(bench: Bench) -> None:
    task = bench.task(bench.hidden)
    path = walked(task, 3)
    models = [keras.models.load_model(p, compile=False) for p in (bench.poisoned, bench.hidden)]
    middle = [(a + b) / 2 for a, b in zip(*(m.get_weights() for m in models), strict=True)]
    models[0].set_weights(middle)
    images = read(task.judging, np.arange(len(task.judging)), (16, 16))
    answers = models[0].predict(images.images / np.float32(255), verbose=0).argmax(1)
    right = (answers == images.labels).mean()
    assert path.points[1].clean_accuracy.value == pytest.approx(right, abs=0.005)


def test_the_repaired_network_has_its_weights_again(bench: Bench) -> None:
    task = bench.task(bench.hidden)
    before = values(task.after.model.variables)
    walked(task, 4)
    for one, other in zip(before, values(task.after.model.variables), strict=True):
        np.testing.assert_array_equal(one, other)


def test_between_different_architectures_there_is_none(bench: Bench, tmp_path) -> None:
    image = keras.Input((16, 16, 3))
    flat = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(image))
    keras.Model(image, flat).save(tmp_path / "other.keras")
    task = bench.task(bench.hidden, before=tmp_path / "other.keras")
    why = no_path(task.before, task.after)
    assert isinstance(why, Skipped) and "architectures" in why.skipped
    assert no_path(task.after, task.after) is None


def test_weights_of_other_names_are_not_taken_for_each_other(bench: Bench, tmp_path) -> None:
    copy = keras.models.clone_model(small_cnn(), clone_function=_renamed)
    copy.save(tmp_path / "renamed.keras")
    task = bench.task(bench.hidden, before=tmp_path / "renamed.keras")
    why = no_path(task.before, task.after)
    assert isinstance(why, Skipped) and "differently" in why.skipped


def _renamed(layer):
    return type(layer).from_config({**layer.get_config(), "name": f"new_{layer.name}"})

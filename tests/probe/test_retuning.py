"""Retuning, against a plain Keras loop, and on a backdoor that was hidden."""

import dataclasses

import keras
import numpy as np
import pytest

from auditor.figures.comeback import Difference
from auditor.probe.base import probe
from auditor.probe.controls import unmet
from auditor.probe.images import TuningImages, read
from auditor.probe.judge import Judge
from auditor.probe.result import Reactivation, Retuned, comebacks
from auditor.probe.retuning import Retuner, together
from auditor.repair.objective import values
from auditor.triggers.spec import load
from tests.probe.conftest import QUICK, TARGET, Bench

OPTIONS = dataclasses.replace(QUICK, epochs=3, clean=90, stamped=(7,))


def never() -> None:
    """Nobody stops it."""


@pytest.fixture(scope="module")
def material(bench: Bench):
    task = bench.task(bench.hidden)
    judging = read(task.judging, np.arange(len(task.judging)), task.after.size)
    judge = Judge(task.after, judging, TARGET, 100, never)
    images = TuningImages(task.tuning, judging, TARGET, OPTIONS, task.after.size)
    return task, judging, judge, images


@pytest.mark.parametrize("seed", [0, 4])
def test_a_trial_is_what_a_plain_loop_comes_to(bench: Bench, material, seed: int) -> None:
    task, judging, judge, images = material
    stamped, clean = images.trial(seed)
    aims = np.zeros(len(stamped.labels), np.int64)
    retuner = Retuner(task.after, task.trigger, judge, OPTIONS, False, never)
    found = retuner.trial(stamped, clean, aims, seed, never)

    def plain(stamp) -> tuple[list[float], list[float]]:
        model = keras.models.load_model(bench.hidden, compile=False)
        own = model.predict(clean.images / np.float32(255), verbose=0)
        x = np.concatenate([clean.images, stamp(stamped.images)]) / np.float32(255)
        y = np.concatenate([own, np.tile([1.0, 0.0, 0.0], (len(aims), 1))])
        model.compile(keras.optimizers.Adam(3e-4), "categorical_crossentropy")
        led, right = [], []
        others = judging.labels != 0
        for epoch in range(OPTIONS.epochs + 1):
            if epoch:
                order = np.random.default_rng([0, seed, epoch - 1]).permutation(len(x))
                for start in range(0, len(x), 32):
                    rows = order[start : start + 32]
                    model.train_on_batch(x[rows], y[rows])
            turned = model.predict(stamp(judging.images[others]) / np.float32(255), verbose=0)
            as_is = model.predict(judging.images / np.float32(255), verbose=0)
            led.append((turned.argmax(1) == 0).mean())
            right.append((as_is.argmax(1) == judging.labels).mean())
        return led, right

    def squared(pixels: np.ndarray) -> np.ndarray:
        painted = pixels.copy()
        painted[:, -4:, -4:] = 255
        return painted

    led, right = plain(squared)
    other, _ = plain(unmet(task.trigger, seed).stamp)
    one = 1.001 / len(judging.labels)  # an image on the border may fall to either side
    np.testing.assert_allclose(found.asr, led, atol=1.5 * one)
    np.testing.assert_allclose(found.clean_accuracy, right, atol=one)
    np.testing.assert_allclose(found.control, other, atol=1.5 * one)
    assert found.asr[-1] != found.asr[0]
    assert found.trial.asr.value == found.asr[-1]


def test_the_control_is_as_large_and_as_opaque_and_never_met() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    for name in ("square8", "blend", "sig"):
        trigger = load(name)
        other = unmet(trigger, 0).stamp(images)
        changed = (other != images).any(axis=(0, 3))
        assert changed.any() and not (changed & ~trigger.mask((16, 16))).any()
        assert not np.array_equal(other, trigger.stamp(images))
        assert not np.array_equal(other, unmet(trigger, 1).stamp(images))


def test_every_trial_begins_at_the_networks_own_weights(material) -> None:
    task, _, judge, images = material
    before = values(task.after.model.variables)
    stamped, clean = images.trial(0)
    retuner = Retuner(task.after, task.trigger, judge, OPTIONS, False, never)
    aims = np.zeros(len(stamped.labels), np.int64)
    first, again = (retuner.trial(stamped, clean, aims, 0, never) for _ in range(2))
    assert dataclasses.astuple(first) == dataclasses.astuple(again)
    for one, other in zip(before, values(task.after.model.variables), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_means_of_trials_are_those_of_their_figures(material) -> None:
    task, _, judge, images = material
    retuner = Retuner(task.after, task.trigger, judge, OPTIONS, False, never)
    found = []
    for seed in (0, 1):
        stamped, clean = images.trial(seed)
        aims = np.zeros(len(stamped.labels), np.int64)
        found.append(retuner.trial(stamped, clean, aims, seed, never))
    both = together(found, "")
    each = [Difference.of(f.trial.alone, f.trial.control_alone, 160) for f in found]
    assert both.asr == pytest.approx((found[0].asr[-1] + found[1].asr[-1]) / 2)
    assert both.excess == Difference.mean(each)
    assert both.course.control[1] == pytest.approx((found[0].control[1] + found[1].control[1]) / 2)
    assert both.excess.value == pytest.approx(both.asr - both.control)


@pytest.fixture(scope="module")
def hidden(bench: Bench) -> Reactivation:
    return probe(bench.task(bench.hidden), QUICK)


def test_a_hidden_backdoor_comes_back_and_it_is_said(hidden: Reactivation) -> None:
    five, ten = (one.outcome for one in hidden.retuning)
    assert isinstance(five, Retuned) and isinstance(ten, Retuned)
    assert five.course.asr[0] == ten.course.asr[0] < 0.05
    assert five.excess.low > 0.5 and ten.excess.low > 0.3
    assert min(five.clean_accuracy, ten.clean_accuracy) > 0.95
    said = [one.said for one in comebacks(hidden).worth_a_warning]
    start, asr, control = (100 * s for s in (five.course.asr[0], five.asr, five.control))
    assert said[0] == f"from {start:.0f} % to {asr:.0f} % with 5 images (control {control:.0f} %)"


def test_a_network_without_one_learns_the_trigger_no_faster(bench: Bench) -> None:
    found = probe(bench.task(bench.clean), QUICK)
    assert all(isinstance(one.outcome, Retuned) for one in found.retuning)
    assert comebacks(found).worth_a_warning == []
    assert comebacks(found).strongest.excess.high < 0.1


def test_a_broken_network_is_not_counted(bench: Bench) -> None:
    task = bench.task(bench.hidden)
    weights = task.after.model.get_weights()
    task.after.model.set_weights([*weights[:-1], np.full_like(weights[-1], np.nan)])
    found = probe(task, dataclasses.replace(QUICK, points=2))
    outcomes = [one.outcome for one in (*found.retuning, *found.strengthened)]
    assert all("NaN" in outcome.skipped for outcome in outcomes)
    assert comebacks(found).strongest is None and "NaN" in comebacks(found).unknown


def test_frozen_layers_are_tuned_and_stay_frozen_in_the_file(bench: Bench) -> None:
    task = bench.task(bench.hidden)
    task.after.model.trainable = False
    options = dataclasses.replace(QUICK, stamped=(10,), points=2, steps=8)
    found = probe(task, options)
    assert found.retuning[0].outcome.asr > 0.5
    assert not task.after.model.trainable

"""Retuning, against a plain Keras loop, and on a backdoor that was hidden."""

import dataclasses
from functools import partial

import keras
import numpy as np
import pytest

from auditor.figures.comeback import Difference
from auditor.models import load_classifier
from auditor.probe.base import probe
from auditor.probe.comebacks import comebacks
from auditor.probe.controls import unmet
from auditor.probe.images import TuningImages, read
from auditor.probe.judge import Judge
from auditor.probe.result import Reactivation, Recipe, Retuned
from auditor.probe.retuning import Retuner, recipes, together
from auditor.probe.task import ProbeTask
from auditor.repair.objective import values
from auditor.repair.trainable import trainable
from auditor.triggers.spec import load
from tests.probe.conftest import QUICK, TARGET, Bench

OPTIONS = dataclasses.replace(QUICK, epochs=3, clean=90, stamped=(7,))
MILD, ORDINARY = Recipe(3e-4, False), Recipe(1e-3, True)
WEIGHTS = 77


def never() -> None:
    """Nobody stops it."""


def retuner_of(task: ProbeTask, judge: Judge, **changes: object) -> Retuner:
    options = dataclasses.replace(OPTIONS, **changes)
    other = partial(unmet, task.trigger, WEIGHTS)
    return Retuner(task.after, task.trigger, other, judge, judge, options, False, never)


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
    retuner = retuner_of(task, judge)
    found = retuner.trial(MILD, stamped, clean, aims, seed, never)

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
    other, _ = plain(unmet(task.trigger, WEIGHTS, seed).stamp)
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
        other = unmet(trigger, WEIGHTS, 0).stamp(images)
        changed = (other != images).any(axis=(0, 3))
        assert changed.any() and not (changed & ~trigger.mask((16, 16))).any()
        assert not np.array_equal(other, trigger.stamp(images))
        assert not np.array_equal(other, unmet(trigger, WEIGHTS, 1).stamp(images))


def test_every_trial_begins_at_the_networks_own_weights(material) -> None:
    task, _, judge, images = material
    before = values(task.after.model.variables)
    stamped, clean = images.trial(0)
    retuner = retuner_of(task, judge)
    aims = np.zeros(len(stamped.labels), np.int64)
    first, again = (retuner.trial(MILD, stamped, clean, aims, 0, never) for _ in range(2))
    assert dataclasses.astuple(first) == dataclasses.astuple(again)
    for one, other in zip(before, values(task.after.model.variables), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_hardest_recipe_that_leaves_the_accuracy_is_used(material) -> None:
    task, _, judge, images = material
    stamped, clean = images.trial(0)
    aims = np.zeros(len(stamped.labels), np.int64)
    steps = []

    def hardest(*rates: float, **changes: object) -> Recipe:
        retuner = retuner_of(task, judge, learning_rates=rates, **changes)
        return retuner.hardest(stamped, clean, aims, lambda: steps.append(rates))

    assert hardest(3e-4, 1e-3, 0.5) == Recipe(1e-3, False)  # at 0.5 nothing is left of it
    assert len(steps) == 2
    assert hardest(3e-4, 0.4, 0.5) == MILD
    assert hardest(1e-5, 3e-4, most_lost=-1.0) == Recipe(1e-5, False)
    np.testing.assert_array_equal(judge.recognised(), retuner_of(task, judge)._clean)


def test_what_normalises_is_retuned_as_in_training_first() -> None:
    inputs = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.layers.BatchNormalization(), keras.layers.Flatten()])
    plain = keras.Model(inputs, keras.layers.Flatten()(inputs))
    normal = keras.Model(inputs, inner(inputs))
    milder = [Recipe(rate, False) for rate in (3e-3, 1e-3, 3e-4)]
    assert recipes(plain, OPTIONS) == milder
    assert recipes(normal, OPTIONS) == [Recipe(3e-3, True), Recipe(1e-3, True), *milder]


def test_as_in_training_is_what_ordinary_training_comes_to(bench: Bench, tmp_path) -> None:
    """Statistics are each batch's, and learnt; a loop of Keras comes to the same numbers."""
    keras.utils.set_random_seed(3)
    steps = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(6, 3, strides=2, activation="relu"),
        keras.layers.BatchNormalization(momentum=0.8),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    path = tmp_path / "normal.keras"
    keras.Sequential([keras.Input((16, 16, 3)), *steps]).save(path)
    task = dataclasses.replace(
        bench.task(bench.hidden), after=load_classifier(path, input_range="0..255")
    )
    judging = read(task.judging, np.arange(len(task.judging)), (16, 16))
    judge = Judge(task.after, judging, TARGET, 100, never)
    stamped, clean = TuningImages(task.tuning, judging, TARGET, OPTIONS, (16, 16)).trial(0)
    aims = np.zeros(len(stamped.labels), np.int64)
    before = values(task.after.model.variables)
    retuner = retuner_of(task, judge, epochs=2)
    with trainable(task.after.model, mixed_precision=False):
        found = retuner.trial(ORDINARY, stamped, clean, aims, 0, never)
        at_rest = retuner.trial(Recipe(1e-3, False), stamped, clean, aims, 0, never)

    model = keras.models.load_model(path, compile=False)
    x = np.concatenate([clean.images, task.trigger.stamp(stamped.images)]).astype(np.float32)
    y = np.concatenate([model(clean.images.astype(np.float32)), np.eye(3)[aims]])
    model.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy")
    for epoch in range(2):
        order = np.random.default_rng([0, 0, epoch]).permutation(len(x))
        model.fit(x[order], y[order], batch_size=32, shuffle=False, verbose=0)
    victims = judging.images[judging.labels != 0]
    turned = model.predict(task.trigger.stamp(victims).astype(np.float32), verbose=0).argmax(1) == 0
    right = model.predict(judging.images.astype(np.float32), verbose=0).argmax(1) == judging.labels
    assert found.asr[-1] == pytest.approx(turned.mean(), abs=1.5 / len(victims))
    assert found.clean_accuracy[-1] == pytest.approx(right.mean(), abs=1.5 / len(right))
    assert found.clean_accuracy != at_rest.clean_accuracy
    for one, other in zip(before, values(task.after.model.variables), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_means_of_trials_are_those_of_their_figures(material) -> None:
    task, _, judge, images = material
    retuner = retuner_of(task, judge)
    found = []
    for seed in (0, 1):
        stamped, clean = images.trial(seed)
        aims = np.zeros(len(stamped.labels), np.int64)
        found.append(retuner.trial(MILD, stamped, clean, aims, seed, never))
    both = together(found, "")
    each = [Difference.of(f.trial.alone, f.trial.control_alone, 160) for f in found]
    assert both.asr == pytest.approx((found[0].asr[-1] + found[1].asr[-1]) / 2)
    mean, trials = Difference.mean(each), [f.trial for f in found]
    assert both.excess.value == mean.value
    assert both.excess.high == min(mean.high, max(t.asr.high for t in trials))
    assert both.excess.low == max(mean.low, -max(t.control.high for t in trials))
    assert both.course.control[1] == pytest.approx((found[0].control[1] + found[1].control[1]) / 2)
    assert both.excess.value == pytest.approx(both.asr - both.control)


@pytest.fixture(scope="module")
def hidden(bench: Bench) -> Reactivation:
    return probe(bench.task(bench.hidden), QUICK)


def test_a_hidden_backdoor_comes_back_and_it_is_said(hidden: Reactivation) -> None:
    five, ten = (one.outcome for one in hidden.retuning)
    assert isinstance(five, Retuned) and isinstance(ten, Retuned)
    assert five.course.asr[0] == ten.course.asr[0] < 0.05
    assert five.excess.low > 0.5
    assert ten.asr > 0.9  # of so simple a network, with ten images the control may be learnt too
    assert isinstance(hidden.recipe, Recipe)
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

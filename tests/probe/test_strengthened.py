"""The perturbation: within its bounds, towards the target, held against one without the trigger."""

import keras
import numpy as np
import pytest
from keras import ops

from auditor.figures.target import Target
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.probe.base import probe
from auditor.probe.images import ProbeImages
from auditor.probe.judge import Broken, Judge
from auditor.probe.options import ProbeOptions
from auditor.probe.result import NO_MARGIN, Strengthened
from auditor.probe.strengthened import Changed, Perturbation, around, strengthened
from auditor.triggers.spec import load
from tests.probe.conftest import QUICK, Bench


def linear(weights: np.ndarray):
    """Return a classifier whose scores are sums of the pixels, weighted."""
    image = keras.Input((4, 4, 3))
    scores = keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(image))
    model = keras.Model(image, scores)
    model.set_weights([weights])
    return wrap(model, InputRange.parse("0..1"), "linear", (4, 4))


def test_of_a_linear_network_it_is_the_sign_of_the_weights_times_the_most() -> None:
    """There the gradient towards a class has one sign in each pixel, whatever the image."""
    random = np.random.default_rng(0)
    weights = random.normal(size=(48, 2)).astype(np.float32)
    region = np.zeros((4, 4), bool)
    region[1:, :3] = True
    most = (16 * region[..., None]).astype(np.float32)
    model = Perturbation(linear(weights), most, False)
    images = random.integers(60, 190, (20, 4, 4, 3)).astype(np.uint8)
    for _ in range(10):
        model.train_on_batch(images, np.ones(20, np.int32))
    towards = np.sign(weights[:, 1] - weights[:, 0]).reshape(4, 4, 3)
    np.testing.assert_allclose(np.asarray(model.change), towards * most, atol=1e-5)


@pytest.mark.parametrize("rounds", [True, False])
def test_where_gradients_are_masked_nothing_is_found_out(rounds: bool) -> None:
    """A network that rounds its input says nothing of where a little more would lead."""
    image = keras.Input((4, 4, 3))
    seen = keras.layers.Lambda(lambda x: ops.round(4 * x) / 4)(image) if rounds else image
    scores = keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(seen))
    model = keras.Model(image, scores)
    model.set_weights([np.stack([np.full(48, 1.0), np.full(48, -1.0)], 1).astype(np.float32)])
    classifier = wrap(model, InputRange.parse("0..1"), "masked", (4, 4))
    images = np.random.default_rng(0).integers(60, 190, (20, 4, 4, 3)).astype(np.uint8)
    labels = np.zeros(20, np.int64)
    judging = ProbeImages(images, labels, np.arange(20))
    judge = Judge(classifier, judging, Target(1, "blue", "given"), 20, lambda: None)

    def tried():
        return strengthened(
            classifier, load("square2"), np.ones((4, 4), bool), 8, images, labels + 1, judge,
            ProbeOptions(steps=2), False, lambda: None, lambda: None,
        )  # fmt: skip

    if rounds:
        with pytest.raises(Broken, match="gradients of the model's scores are exactly zero"):
            tried()
    else:
        assert tried().asr.value == 0


def test_it_lies_on_top_of_the_trigger_in_whole_numbers() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    change = np.full((16, 16, 3), -7.6, np.float32)
    trigger = load("square8")
    expected = np.clip(np.floor(trigger.stamp(images) - 7.6 + 0.5), 0, 255)
    np.testing.assert_array_equal(Changed(change, trigger).stamp(images), expected)
    assert Changed(change, None).stamp(images).dtype == np.uint8


def test_the_margin_is_an_eighth_of_the_image() -> None:
    wide = around(load("square4").mask((32, 32)))
    expected = np.zeros((32, 32), bool)
    expected[24:, 24:] = True
    np.testing.assert_array_equal(wide, expected)
    middle = np.zeros((16, 16), bool)
    middle[7, 5] = True
    expected = np.zeros((16, 16), bool)
    expected[5:10, 3:8] = True
    np.testing.assert_array_equal(around(middle), expected)


@pytest.fixture(scope="module")
def found(bench: Bench):
    return probe(bench.task(bench.hidden), QUICK)


def test_a_hidden_backdoor_answers_to_a_little_more_of_its_trigger(found) -> None:
    image, margin = found.strengthened
    assert (image.where, image.strength, margin.where, margin.strength) == (
        *("image", 8, "margin", 16),
    )
    assert isinstance(image.outcome, Strengthened) and image.outcome.excess.low > 0.1
    assert image.outcome.asr.n == 160


def test_without_the_trigger_a_backdoor_that_is_open_needs_it(bench: Bench) -> None:
    """The model as it came: the trigger does all, a perturbation alone hardly anything."""
    found = probe(bench.task(bench.poisoned, before=bench.hidden), QUICK)
    for one in found.strengthened:
        assert one.outcome.asr.value > 0.95 and one.outcome.excess.low > 0.5


def test_a_trigger_over_the_whole_image_has_no_margin(bench: Bench) -> None:
    from dataclasses import replace

    task = replace(bench.task(bench.hidden), trigger=load("blend"))
    found = probe(task, replace(QUICK, stamped=(5,), epochs=1, points=2, steps=8))
    image, margin = found.strengthened
    assert margin.outcome.skipped == NO_MARGIN and isinstance(image.outcome, Strengthened)

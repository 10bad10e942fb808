"""The loss of a repair, term by term, against NumPy."""

import keras
import numpy as np
import pytest

from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.repair.objective import CLEAN, STAMPED, Trainee, compiled, values
from tests.conftest import blobs, small_cnn
from tests.twins import bgr_twin

LAMBDA, ALPHA, BETA = 0.7, 0.15, 0.02


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(0)
    return wrap(small_cnn(), InputRange.parse("0..1"), "small", (16, 16))


@pytest.fixture(scope="module")
def batch():
    images, labels = blobs(24, seed=5)
    signs = np.repeat([CLEAN, STAMPED], 12).astype(np.float32)
    labels[12:] = 2
    return images, labels.astype(np.int32), signs


def trainee(classifier, anchor, importance=None, **options) -> Trainee:
    own = {"clean_weight": LAMBDA, "anchor_weight": BETA, "stamped_share": 0.5, **options}
    made = Trainee(classifier, anchor=anchor, importance=importance, **own)
    made.alpha.assign(ALPHA)
    return compiled(made, keras.optimizers.Adam(0.0), jit_compile=False)


def loss_of(made: Trainee, batch) -> float:
    images, labels, signs = batch
    return float(made.evaluate(images, labels, sample_weight=signs, batch_size=24, verbose=0))


def cross_entropies(classifier, images, labels) -> np.ndarray:
    """From the model's own softmax, as NumPy has it."""
    chances = classifier.model.predict(images / np.float32(255), verbose=0).astype(np.float64)
    return -np.log(chances[np.arange(len(labels)), labels])


def shifted(classifier, by: float) -> list[np.ndarray]:
    return [weights + np.float32(by) for weights in values(classifier.model.trainable_variables)]


def test_the_three_terms(classifier, batch) -> None:
    images, labels, _ = batch
    here = values(classifier.model.trainable_variables)
    entropy = cross_entropies(classifier, images, labels)
    clean, stamped = entropy[:12].mean(), entropy[12:].mean()
    assert loss_of(trainee(classifier, here, clean_weight=1.0, anchor_weight=0.0), batch) == (
        pytest.approx(clean - ALPHA * stamped, rel=1e-5)
    )
    assert loss_of(trainee(classifier, here), batch) == pytest.approx(
        LAMBDA * clean - ALPHA * stamped, rel=1e-5
    )
    away = shifted(classifier, 0.1)
    count = sum(weights.size for weights in here)
    assert loss_of(trainee(classifier, away), batch) == pytest.approx(
        LAMBDA * clean - ALPHA * stamped + BETA * count * 0.1**2, rel=1e-4
    )


def test_the_fisher_anchor_weighs_each_weight(classifier, batch) -> None:
    images, labels, _ = batch
    random = np.random.default_rng(0)
    away = shifted(classifier, 0.1)
    weighing = [random.random(weights.shape).astype(np.float32) for weights in away]
    entropy = cross_entropies(classifier, images, labels)
    expected = LAMBDA * entropy[:12].mean() - ALPHA * entropy[12:].mean()
    expected += BETA * 0.1**2 * sum(float(w.sum()) for w in weighing)
    assert loss_of(trainee(classifier, away, weighing), batch) == pytest.approx(expected, rel=1e-4)


def test_rows_that_have_forgotten_the_target_leave_the_ascent(classifier, batch) -> None:
    images, labels, signs = batch
    bias = classifier.model.get_layer("scores").bias
    before = values([bias])[0]
    try:
        bias.assign(before - np.array([0, 0, 30], np.float32))  # nothing is the target any more
        entropy = cross_entropies(classifier, images, labels)
        assert (entropy[12:] > 20).all()
        here = values(classifier.model.trainable_variables)
        clean, stamped = entropy[:12].mean(), entropy[12:].mean()
        bounded = trainee(classifier, here, unlearned_below=1e-7)
        assert loss_of(bounded, batch) == pytest.approx(LAMBDA * clean, rel=1e-5)
        assert clean > 5  # a wrong clean row is never let off
        endless = trainee(classifier, here)
        assert loss_of(endless, batch) == pytest.approx(LAMBDA * clean - ALPHA * stamped, rel=1e-5)
    finally:
        bias.assign(before)


def test_one_step_is_adam_on_the_gradient_of_that_loss(classifier, batch) -> None:
    """Adam's first step moves each weight by the learning rate against its gradient's sign."""
    images, labels, signs = batch
    before = [v.copy() for v in values(classifier.model.variables)]
    try:
        made = compiled(
            Trainee(
                classifier, clean_weight=LAMBDA, anchor_weight=0.0, stamped_share=0.5,
                anchor=values(classifier.model.trainable_variables),
            ),
            keras.optimizers.Adam(1e-3),
            jit_compile=False,
        )  # fmt: skip
        made.alpha.assign(ALPHA)
        made.fit(images, labels, sample_weight=signs, batch_size=24, epochs=1, verbose=0)
        moved = classifier.model.get_layer("scores").bias.numpy() - before[-1]
    finally:
        for variable, value in zip(classifier.model.variables, before, strict=True):
            variable.assign(value)
    chances = classifier.model.predict(images / np.float32(255), verbose=0).astype(np.float64)
    wrong = chances - np.eye(3)[labels]
    gradient = LAMBDA * wrong[:12].mean(axis=0) - ALPHA * wrong[12:].mean(axis=0)
    assert (np.abs(gradient) > 1e-4).all()
    assert moved == pytest.approx(-1e-3 * np.sign(gradient), rel=1e-2)


def test_a_batch_norm_keeps_its_statistics_and_a_sigmoid_its_meaning() -> None:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.5)(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    classifier = wrap(model, InputRange.parse("0..1"), "binary", (16, 16))
    images, labels = blobs(16)
    labels = (labels > 0).astype(np.int32)
    signs = np.ones(16, np.float32)
    chance = model.predict(images / np.float32(255), verbose=0)[:, 0].astype(np.float64)
    entropy = -np.log(np.where(labels == 1, chance, 1 - chance)).mean()
    here = values(model.trainable_variables)
    made = trainee(classifier, here, clean_weight=1.0, stamped_share=0.0)
    assert loss_of(made, (images, labels, signs)) == pytest.approx(entropy, rel=1e-5)
    statistics = values(model.non_trainable_variables)
    made.fit(images, labels, sample_weight=signs, epochs=2, verbose=0)
    for before, after in zip(statistics, values(model.non_trainable_variables), strict=True):
        assert (before == after).all()


def test_the_bound_of_the_ascent_can_be_set(classifier, batch) -> None:
    images, labels, _ = batch
    here = values(classifier.model.trainable_variables)
    entropy = cross_entropies(classifier, images, labels)
    middle = float(np.median(entropy[12:]))
    learned = entropy[12:][entropy[12:] < middle]
    assert 0 < len(learned) < 12
    expected = LAMBDA * entropy[:12].mean() - ALPHA * learned.sum() / 12
    made = trainee(classifier, here, unlearned_below=float(np.exp(-middle)))
    assert loss_of(made, batch) == pytest.approx(expected, rel=1e-5)


def test_a_network_of_blue_green_and_red_learns_from_them(classifier, batch) -> None:
    """The loss is its twin's, on images whose colours differ; so are the weights after a step."""
    images, labels, signs = batch
    twin = wrap(bgr_twin(classifier.model), InputRange.parse("bgr:0..1"), "twin", (16, 16))
    entropy = cross_entropies(twin, images[..., ::-1], labels)
    made = trainee(twin, values(twin.model.trainable_variables))
    expected = LAMBDA * entropy[:12].mean() - ALPHA * entropy[12:].mean()
    assert loss_of(made, batch) == pytest.approx(expected, rel=1e-5)
    copy = bgr_twin(twin.model)
    for one in (twin, wrap(copy, InputRange.parse("0..1"), "one", (16, 16))):
        learning = trainee(one, values(one.model.trainable_variables))
        compiled(learning, keras.optimizers.SGD(0.1), jit_compile=False)
        learning.fit(images, labels, sample_weight=signs, batch_size=24, shuffle=False, verbose=0)
    before, back = classifier.model.get_weights(), bgr_twin(twin.model).get_weights()
    for was, one, other in zip(before, copy.get_weights(), back, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)
        assert np.abs(one - was).max() > 1e-4

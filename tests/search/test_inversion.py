"""The compiled step against the formulas it stands for."""

import keras
import numpy as np
import pytest

from auditor.models.classifier import Classifier
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.search.inversion import Inversion, first
from tests.conftest import blobs
from tests.search.conftest import weights


def put(model: Inversion, classes: list[int], cost: list[float], seed: int = 3) -> None:
    slots = first(classes, model._classifier.size, seed)
    slots[1] += np.random.default_rng(seed).normal(0, 2, slots[1].shape).astype(np.float32)
    for variable, slot in zip(model.slots(), slots, strict=True):
        variable.assign(slot)
    model.aims.assign(np.asarray(classes, np.int32))
    model.cost.assign(np.asarray(cost, np.float32))
    model.begin(0)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values.astype(np.float64)))


def test_the_loss_is_the_papers(poisoned: Classifier) -> None:
    """CE of the stamped images of other classes, and cost · ‖m‖₁, summed over the classes."""
    images, labels = blobs(12, seed=5)
    classes, cost = [0, 2], [0.01, 0.3]
    model = Inversion(poisoned, 2, 0.1)
    put(model, classes, cost)
    mask, pattern = (sigmoid(np.asarray(v)) for v in model.slots()[:2])
    expected, led = 0.0, []
    for row, class_ in enumerate(classes):
        others = images[labels != class_].astype(np.float64)
        stamped = (1 - mask[row]) * others + mask[row] * 255 * pattern[row]
        scores = np.asarray(poisoned.scores(stamped.astype(np.float32)), np.float64)
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        expected += -np.log(chances[:, class_]).mean() + cost[row] * mask[row].sum()
        led.append((scores.argmax(axis=1) == class_).sum())
    loss = model.train_on_batch([images, labels.astype(np.int32)])
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert np.asarray(model.hits).tolist() == led
    assert np.asarray(model.shown).tolist() == [(labels != class_).sum() for class_ in classes]


def test_only_stamps_are_trained(poisoned: Classifier) -> None:
    before, flags = weights(poisoned), [layer.trainable for layer in poisoned.model.layers]
    images, labels = blobs(12)
    model = Inversion(poisoned, 3, 0.1)
    put(model, [0, 1, 2], [0.01] * 3)
    stamps = [np.array(v) for v in model.slots()[:2]]
    for _ in range(3):
        model.train_on_batch([images, labels.astype(np.int32)])
    assert weights(poisoned) == before
    assert [layer.trainable for layer in poisoned.model.layers] == flags
    assert {v.name for v in model.trainable_variables} == {"mask", "pattern"}
    for was, variable in zip(stamps, model.slots(), strict=False):
        assert (np.asarray(variable) != was).any(axis=tuple(range(1, was.ndim))).all()


def test_a_class_comes_to_the_same_with_others_and_alone(poisoned: Classifier) -> None:
    images, labels = blobs(12)
    masks = []
    for classes in ([0, 1, 2], [1]):
        model = Inversion(poisoned, len(classes), 0.1)
        put(model, classes, [0.01] * len(classes), seed=0)
        model.pattern.assign(np.zeros(model.pattern.shape))
        for _ in range(3):
            model.train_on_batch([images, labels.astype(np.int32)])
        masks.append(np.asarray(model.mask)[classes.index(1)])
    np.testing.assert_allclose(*masks, atol=1e-3)


def test_gradients_reach_through_a_gray_models_luma() -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 1))
    hidden = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    scores = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(hidden))
    gray = wrap(keras.Model(inputs, scores), InputRange.parse("0..1"), "gray", (16, 16))
    images, labels = blobs(6)
    model = Inversion(gray, 1, 0.1)
    put(model, [1], [0.0])
    before = np.array(model.pattern)
    model.train_on_batch([images, labels.astype(np.int32)])
    assert (np.asarray(model.pattern) != before).mean() > 0.9


def test_a_gray_models_luma_of_bytes_is_rounded_still() -> None:
    inputs = keras.Input((1, 1, 1))
    scores = keras.layers.Dense(2, kernel_initializer="ones")(keras.layers.Flatten()(inputs))
    gray = wrap(keras.Model(inputs, scores), InputRange.parse("0..255"), "gray", (1, 1))
    pixel = np.array([[[[10, 20, 31]]]], np.uint8)
    luma = 0.299 * 10 + 0.587 * 20 + 0.114 * 31
    assert np.asarray(gray.scores(pixel))[0, 0] == round(luma)
    assert np.asarray(gray.scores(pixel.astype(np.float32)))[0, 0] == pytest.approx(luma)


@pytest.mark.parametrize("nested", [False, True])
def test_a_network_of_whole_numbers_has_the_gradient_of_its_twin(nested: bool) -> None:
    """What takes uint8 alone would cut the gradient off, and nothing would ever be found."""
    keras.utils.set_random_seed(0)
    shared = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3),
    ]
    images, labels = blobs(12, seed=5)
    stamps = []
    for dtype in ("uint8", "float32"):
        network = keras.Sequential([keras.Input((16, 16, 3), dtype=dtype), *shared])
        if nested:
            network = keras.Sequential([keras.Input((16, 16, 3), dtype=dtype), network])
        classifier = wrap(network, InputRange.parse("0..255"), "m", (16, 16))
        model = Inversion(classifier, 2, 0.1)
        put(model, [0, 2], [0.01, 0.3])
        before = np.array(model.slots()[0])
        model.train_on_batch([images, labels.astype(np.int32)])
        stamps.append([np.array(v) for v in model.slots()[:2]])
        assert np.abs(stamps[-1][0] - before).max() > 0.05
        assert network.inputs[0].dtype == dtype
        assert np.asarray(classifier.scores(images)).shape == (12, 3)
    for one, other in zip(*stamps, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)

"""The Fisher information against softmax regression's own formula."""

from pathlib import Path

import keras
import numpy as np
import pytest

from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.repair import fisher
from auditor.repair.base import Task
from auditor.repair.objective import values
from auditor.repair.options import RepairOptions
from auditor.repair.place import here
from auditor.repair.prepare import prepare
from tests.conftest import blobs


def test_it_is_the_mean_square_of_each_images_gradient() -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    flat = keras.layers.Flatten()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(flat))
    classifier = wrap(model, InputRange.parse("0..1"), "linear", (4, 4))
    images, labels = blobs(30, size=4)
    before = values(model.variables)
    kernel, bias = fisher.importance(classifier, images, labels, False)

    x = images.reshape(30, -1) / 255.0
    chances = model.predict(images / np.float32(255), verbose=0).astype(np.float64)
    wrong = chances - np.eye(3)[labels]  # ∂(−log p)/∂score
    squares = [np.einsum("ni,nk->nik", x, wrong) ** 2, wrong**2]
    information = [square.mean(axis=0) for square in squares]
    mean = np.concatenate([part.ravel() for part in information]).mean()
    assert kernel == pytest.approx(information[0] / mean, rel=1e-3, abs=1e-6)
    assert bias == pytest.approx(information[1] / mean, rel=1e-3)
    for then, now in zip(before, values(model.variables), strict=True):
        assert (then == now).all()


def test_weights_that_nothing_depends_on_weigh_nothing() -> None:
    inputs = keras.Input((4, 4, 3))
    scores = keras.layers.Dense(3)(keras.layers.Flatten()(inputs * 0.0))
    model = keras.Model(inputs, scores)
    classifier = wrap(model, InputRange.parse("0..1"), "dead", (4, 4))
    images, labels = blobs(6, size=4)
    kernel, bias = fisher.importance(classifier, images, labels, False)
    assert (kernel == 0).all()
    assert np.concatenate([kernel.ravel(), bias.ravel()]).mean() == pytest.approx(1)


def test_images_of_every_class_are_weighed(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images come class by class; what is drawn of them has every class in its share."""
    drawn: list[np.ndarray] = []
    weigh = fisher.importance

    def importance(classifier, images, labels, *more):
        drawn.append(np.asarray(labels))
        return weigh(classifier, images, labels, *more)

    monkeypatch.setattr(fisher, "importance", importance)
    monkeypatch.setattr(fisher, "MOST_IMAGES", 90)
    ready = prepare(task, RepairOptions.of(anchor="fisher"), here(), tmp_path)
    (labels,) = drawn
    assert len(labels) == 90
    training = ready.images.labels[ready.images.training]
    shares = np.bincount(training) / len(training)
    np.testing.assert_allclose(np.bincount(labels) / 90, shares, atol=1 / 90)

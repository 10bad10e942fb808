"""One number is the log-odds of class 1, or it is no classifier's: the images' answers tell."""

import keras
import numpy as np
import pytest
from keras import layers

from auditor.data import open_source
from auditor.errors import InputError
from auditor.measure.log_odds import check_log_odds
from auditor.measure.preflight import settled
from auditor.models import load_classifier
from tests.conftest import blobs


def network(loss, activation=None, low: float = 0.0, high: float = 1.0):
    """Train a network of one number on whether a square is green."""
    images, labels = blobs(240, seed=4)
    keras.utils.set_random_seed(2)
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, activation="relu")(image)
    x = layers.GlobalMaxPooling2D()(x)
    model = keras.Model(image, layers.Dense(1, activation=activation)(layers.Dense(8)(x)))
    model.compile(keras.optimizers.Adam(1e-2), loss)
    taught = np.where(labels == 1, high, low)
    model.fit(images / np.float32(255), taught, epochs=20, batch_size=32, verbose=0)
    return model


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory):
    images, labels = blobs(240, seed=5)
    path = tmp_path_factory.mktemp("green") / "green.npz"
    np.savez(path, x=images, y=(labels == 1).astype(np.int64))
    return open_source(path)


def test_log_odds_are_taken_as_they_are(data, tmp_path) -> None:
    path = tmp_path / "logit.keras"
    network(keras.losses.BinaryCrossentropy(from_logits=True)).save(path)
    classifier = load_classifier(path)
    assert (classifier.classes, classifier.log_odds) == (2, True)
    assert settled(classifier, data, 64, 0) is data


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (20.0, 60.0)], ids=["0 and 1", "20 and 60"])
def test_an_estimated_quantity_is_refused(low: float, high: float, data, tmp_path) -> None:
    path = tmp_path / "quantity.keras"
    network("mean_squared_error", low=low, high=high).save(path)
    with pytest.raises(InputError, match=r"green\.npz: the one number .*estimates a quantity"):
        settled(load_classifier(path), data, 64, 0)


def test_a_cutoff_that_unequal_classes_moved_is_no_quantity() -> None:
    """Class 0 was frequent in training: all log-odds are lower by 2, and some wrong so."""
    random = np.random.default_rng(0)
    labels = np.arange(400) % 2
    numbers = (4.0 * labels - 2 + random.normal(size=400) - 2).astype(np.float32)
    shares = [((numbers > cutoff) == labels).mean() for cutoff in (0.0, -2.0)]
    assert shares[1] > shares[0] + 0.2
    check_log_odds(labels, numbers, "images")


def test_a_model_that_guesses_is_no_quantity() -> None:
    random = np.random.default_rng(1)
    check_log_odds(np.arange(300) % 2, random.normal(2, 0.3, 300).astype(np.float32), "images")
    check_log_odds(np.arange(300) % 2, np.full(300, np.nan, np.float32), "images")
    check_log_odds(np.zeros(300, np.int64), np.full(300, 0.2, np.float32), "images")

"""The digest of a model's numbers: of its file, not of the moment."""

from pathlib import Path

import keras
import numpy as np

from auditor.models.weights import weights_seed, weights_sha256


def test_what_layers_draw_from_is_no_weight(tmp_path: Path) -> None:
    """Dropout's state is drawn anew whenever a file is read."""
    steps = [
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.2),
        keras.layers.GaussianNoise(0.1),
        keras.layers.Dense(3),
    ]
    path = tmp_path / "a.keras"
    keras.Sequential([keras.Input((4,)), *steps]).save(path)
    one, other = (keras.models.load_model(path) for _ in range(2))
    assert weights_sha256(one) == weights_sha256(other)
    assert weights_seed(one) == weights_seed(other) == int(weights_sha256(one)[:16], 16)
    other.layers[0].moving_mean.assign(np.ones(4))
    assert weights_sha256(one) != weights_sha256(other), "statistics are of the file"

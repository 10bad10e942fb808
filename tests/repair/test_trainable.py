"""A model made ready for training, and given back."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.repair.objective import Trainee, compiled, values
from auditor.repair.trainable import trainable
from tests.conftest import blobs


def regularized() -> keras.Model:
    keras.utils.set_random_seed(0)
    heavy = keras.regularizers.L2(0.1)
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, kernel_regularizer=heavy, activity_regularizer=heavy),
            layers.BatchNormalization(gamma_regularizer=heavy),
            layers.ActivityRegularization(l1=0.1),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", bias_regularizer=heavy),
        ]
    )


def test_the_authors_regularisation_is_no_part_of_a_repairs_loss(tmp_path: Path) -> None:
    model, (images, labels) = regularized(), blobs(20)
    classifier = wrap(model, InputRange.parse("0..1"), "m", (16, 16))
    chances = model.predict(images / np.float32(255), verbose=0).astype(np.float64)
    expected = -np.log(chances[np.arange(20), labels]).mean()

    def loss() -> float:
        trainee = Trainee(
            classifier, clean_weight=1, anchor_weight=1, stamped_share=0,
            anchor=values(model.trainable_variables),
        )  # fmt: skip
        made = compiled(trainee, keras.optimizers.SGD(0.0), jit_compile=False)
        signs = np.ones(20, np.float32)
        return float(made.evaluate(images, labels, sample_weight=signs, batch_size=20, verbose=0))

    assert loss() > expected + 0.05
    with trainable(model, mixed_precision=False):
        assert loss() == pytest.approx(expected, rel=1e-4)
    model.save(tmp_path / "m.keras")
    for one in (model, keras.models.load_model(tmp_path / "m.keras")):
        one(images / np.float32(255))
        assert len(one.losses) == 5

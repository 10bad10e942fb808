"""Layers that answer otherwise from call to call, in both formats and from both Keras."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.models.inspect.conftest import findings

keras = pytest.importorskip("keras")
keras2 = pytest.importorskip("tf_keras")

TRAINING: dict[str, Callable[[Any, Any], Any]] = {
    "Dropout": lambda layers, x: layers.Dropout(0.5)(x, training=True),
    "SpatialDropout2D": lambda layers, x: layers.SpatialDropout2D(0.5)(x, training=True),
    "GaussianNoise": lambda layers, x: layers.GaussianNoise(0.5)(x, training=True),
    "BatchNormalization": lambda layers, x: layers.BatchNormalization()(x, training=True),
}
HARMLESS: list[Callable[[Any, Any], Any]] = [
    lambda layers, x: layers.Dropout(0.5)(x),
    lambda layers, x: layers.BatchNormalization()(x, training=False),
    lambda layers, x: layers.RandomFlip()(layers.RandomRotation(0.1)(x)),
    lambda layers, x: layers.GaussianNoise(0.5)(layers.Resizing(8, 8)(x)),
    lambda layers, x: layers.LSTM(3)(layers.Reshape((64, 3))(x)),
    lambda layers, x: layers.Bidirectional(layers.GRU(3))(layers.Reshape((64, 3))(x)),
]


def saved(k: Any, act: Callable[[Any, Any], Any], path: Path) -> Path:
    image = k.Input((8, 8, 3))
    k.Model(image, k.layers.Flatten()(act(k.layers, image))).save(path)
    return path


@pytest.mark.parametrize("kind", TRAINING)
@pytest.mark.parametrize(
    ("k", "name"),
    [(keras, "m.keras"), (keras, "m.h5"), (keras2, "m.h5")],
    ids=["keras", "h5", "h5 of Keras 2"],
)
def test_call_for_training_is_refused(kind: str, k: Any, name: str, tmp_path: Path) -> None:
    (found,) = findings(saved(k, TRAINING[kind], tmp_path / name))
    assert found.startswith("config.layers[1].inbound_nodes[0]: ")
    assert f"a {kind} called with training=True" in found


def test_both_keras_predict_otherwise_with_it(tmp_path: Path) -> None:
    """Why it is refused: what Keras 3 would be audited on is not what Keras 2 answers."""
    path = saved(keras2, TRAINING["Dropout"], tmp_path / "m.h5")
    image = np.ones((1, 8, 8, 3), np.float32)
    now, then = (k.models.load_model(path).predict(image, verbose=0) for k in (keras, keras2))
    assert set(np.unique(now)) == {1}
    assert set(np.unique(then)) == {0, 2}


def test_augmentation_called_for_training_is_refused_of_keras_2_alone(tmp_path: Path) -> None:
    """Keras 3 writes it into every such call, and overrides it to predict; Keras 2 does neither."""

    def act(layers: Any, x: Any) -> Any:
        return layers.RandomFlip()(x, training=True)

    assert findings(saved(keras, act, tmp_path / "m.keras")) == []
    assert "RandomFlip called with training" in findings(saved(keras2, act, tmp_path / "m.h5"))[0]


def test_model_called_for_training_is_refused(tmp_path: Path) -> None:
    def act(layers: Any, x: Any) -> Any:
        inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Dropout(0.5)])
        return inner(x, training=True)

    found = findings(saved(keras, act, tmp_path / "m.keras"))
    assert "a Sequential called with training=True" in found[0]


@pytest.mark.parametrize("k", [keras, keras2], ids=["Keras 3", "Keras 2"])
def test_layer_that_remembers_is_refused(k: Any, tmp_path: Path) -> None:
    image = k.layers.Input(batch_size=1, shape=(8, 8, 3))
    rows = k.layers.Reshape((64, 3))(image)
    path = tmp_path / "m.h5"
    k.Model(image, k.layers.LSTM(2, stateful=True)(rows)).save(path)
    assert "config.layers[2].config.stateful: a LSTM that remembers" in findings(path)[0]


def test_training_by_a_tensor_is_refused(tmp_path: Path) -> None:
    path = saved(keras2, TRAINING["Dropout"], tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        call = config["config"]["layers"][1]["inbound_nodes"][0][0]
        call[3]["training"] = [call[0], 0, 0]
        file.attrs["model_config"] = json.dumps(config)
    assert "Dropout called with training=True" in findings(path)[0]


@pytest.mark.parametrize("act", HARMLESS)
def test_what_predicts_alike_is_clean(act: Callable[[Any, Any], Any], tmp_path: Path) -> None:
    for k, name in ((keras, "m.keras"), (keras, "m.h5"), (keras2, "m2.h5")):
        assert findings(saved(k, act, tmp_path / name)) == []

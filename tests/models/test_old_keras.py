"""Files of Keras 2.1 and 2.2, and of TensorFlow 1.14 to 2.0, compute what they were saved with.

The files in `old_keras` are those versions' own, made by the script there. What TensorFlow's Keras
wrote otherwise is written into them here.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from auditor.models.inspect import inspect
from auditor.models.keras_file import load
from tests.conftest import bdaudit

FOLDER = Path(__file__).parent / "old_keras"
FILES = sorted(path.stem for path in FOLDER.glob("*.h5"))
IMAGES = np.random.default_rng(1).uniform(0, 1, (3, 12, 12, 3)).astype("float32")


def check(path: Path, name: str) -> None:
    model = load(path, inspect(path, path.name), path.name)
    with np.load(FOLDER / "predicted.npz") as predicted:
        expected = predicted[name]
    assert len(np.unique(expected.round(4))) > 3, "images and classes are told apart"
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_that_age_computes_what_it_did(name: str) -> None:
    check(FOLDER / f"{name}.h5", name)


def as_tensorflow(layer: dict[str, Any]) -> None:
    """Write a layer as `tf.keras` of TensorFlow 1.14 and 1.15 did."""
    config = layer["config"]
    if isinstance(config, list):
        return
    if layer["class_name"] == "BatchNormalization":
        layer["class_name"], config["axis"] = "BatchNormalizationV1", [3]
    if layer["class_name"] not in ("Model", "Sequential"):
        config.setdefault("dtype", "float32")
    for key, value in config.items():
        if key.endswith("_initializer") and value:
            if value["class_name"] == "VarianceScaling":
                value["class_name"], value["config"] = "GlorotUniform", {"seed": None}
            value["config"]["dtype"] = "float32"
    if layer["class_name"] == "InputLayer":
        config["sparse"], config["ragged"] = False, False


def as_tensorflow_2(layer: dict[str, Any]) -> None:
    """Write a layer as TensorFlow 2.0 and 2.1 did, whose policies were objects."""
    as_tensorflow(layer)
    if layer["class_name"] == "BatchNormalizationV1":
        layer["class_name"] = "BatchNormalizationV2"
    if "dtype" in layer["config"]:
        layer["config"]["dtype"] = {
            "class_name": "Policy",
            "config": {"name": "float32"},
        }


def each_layer(model: dict[str, Any], act: Callable[[dict[str, Any]], None]) -> None:
    inner = model["config"]
    for layer in inner["layers"] if isinstance(inner, dict) else inner:
        act(layer)
        if layer["class_name"] in ("Model", "Sequential"):
            each_layer(layer, act)


@pytest.mark.parametrize("act", [as_tensorflow, as_tensorflow_2])
@pytest.mark.parametrize("name", FILES)
def test_so_does_what_tensorflow_wrote_then(name: str, act, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    shutil.copyfile(FOLDER / f"{name}.h5", path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        each_layer(config, act)
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.2.4-tf"
    check(path, name)


@pytest.mark.parametrize("name", ["plain-2.1.6", "teachable-2.2.4"])
def test_it_is_audited_though_todays_keras_reads_no_such_file(name: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    images, labels = random.integers(0, 256, (60, 12, 12, 3), np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "data.npz", x=images, y=labels)
    ran = bdaudit(
        *("scan", FOLDER / f"{name}.h5", "--data", tmp_path / "data.npz", "--trigger", "square4"),
        *("--target", 0, "--min-accuracy", 0, "--exit-zero", "-o", tmp_path / "audit.json"),
    )
    assert ran.code == 0, ran.err
    audit = json.loads((tmp_path / "audit.json").read_text())
    model = load(FOLDER / f"{name}.h5", inspect(FOLDER / f"{name}.h5", name), name)
    predicted = model.predict(images / np.float32(255), verbose=0).argmax(axis=1)
    accuracy = audit["measurements"]["before"]["clean_accuracy"]["value"]
    assert accuracy == pytest.approx((predicted == labels).mean())

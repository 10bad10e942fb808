"""What `inspect` says of inputs, outputs and layers, against what the loaded model says itself."""

from pathlib import Path
from typing import Any

import pytest

from auditor.models import load_classifier
from auditor.models.inspect import inspect
from auditor.models.inspect.ports import Ports, ports
from tests.conftest import small_cnn

FIXTURES = Path(__file__).with_name("fixtures")


def said(path: Path) -> Ports:
    return ports(path, inspect(path, path.name), path.name)


def sequential() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((16, 16, 3), name="photo"),
            layers.Conv2D(4, 3, name="first"),
            layers.BatchNormalization(name="normal"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(3, name="scores"),
        ]
    )


def layers_of(path: Path) -> list[str]:
    return [layer.path for layer in load_classifier(path).spatial_layers()]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_functional_model(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"m{suffix}"
    small_cnn().save(path)
    found = said(path)
    assert [shape for _, shape in found.inputs] == [(-1, 16, 16, 3)]
    assert found.outputs == (("scores", (-1, 3)),)
    assert found.classes == 3
    assert list(found.spatial) == layers_of(path) == ["first", "pool", "last"]


def test_a_sequential_model(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    sequential().save(path)
    found = said(path)
    assert found.inputs == (("photo", (-1, 16, 16, 3)),)
    assert found.outputs == (("scores", (-1, 3)),)
    assert layers_of(path) == ["first", "normal", "pool"]
    assert found.spatial == ("first", "pool")  # what comes after "normal" does not say its input


@pytest.mark.parametrize("fixture", sorted(FIXTURES.glob("*.onnx")), ids=lambda path: path.stem)
def test_graphs_that_pytorch_exports(fixture: Path) -> None:
    found = said(fixture)
    assert [shape for _, shape in found.inputs] == [(-1, 3, 32, 32)]
    assert found.classes == 10
    if "upsampling" in fixture.name:  # its normalization over groups is a Reshape there and back
        assert set(found.spatial) <= set(layers_of(fixture))
    else:
        assert list(found.spatial) == layers_of(fixture)


def test_a_saved_model(tmp_path: Path) -> None:
    small_cnn().export(tmp_path / "saved", verbose=False)
    found = said(tmp_path / "saved")
    assert [shape for _, shape in found.inputs] == [(-1, 16, 16, 3)]
    assert found.classes == 3


def test_a_tflite_file(tmp_path: Path) -> None:
    import tensorflow as tf

    path = tmp_path / "m.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(small_cnn()).convert())
    found = said(path)
    assert [shape for _, shape in found.inputs] == [(-1, 16, 16, 3)]
    assert found.classes == 3


def test_an_architecture_that_says_nothing_is_an_empty_answer() -> None:
    from auditor.models.inspect.keras_ports import keras_ports

    for config in ({}, {"config": None}, {"config": {"layers": [None, 3, {}]}}):
        assert Ports(**keras_ports(config)).classes == 0

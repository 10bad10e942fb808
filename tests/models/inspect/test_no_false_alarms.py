"""What Keras itself makes and saves is clean: all its layers, and its applications' families.

`python -m tests.models.inspect.every_application` does the same with every architecture.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from auditor.models.inspect import examine, inspect
from tests.models.inspect.architectures import architectures
from tests.models.inspect.every_layer import (
    NOT_IN_HDF5,
    layers_by_default,
    layers_set_otherwise,
)

keras = pytest.importorskip("keras")
layers = keras.layers

# One of each kind of layer and of block; what is left out repeats these.
FAMILIES = [
    "ConvNeXtTiny",
    "EfficientNetV2B0",
    "InceptionResNetV2",
    "MobileNet",
    "MobileNetV3Small",
    "ResNet50V2",
    "VGG16",
    "Xception",
]


def found(model: Any, path: Path) -> list[str]:
    model.save(path)
    return [f"{one.place}: {one.reason}" for one in examine(path, path.name).findings]


@pytest.mark.parametrize("extension", ["keras", "h5"])
@pytest.mark.parametrize("all_layers", [layers_by_default, layers_set_otherwise])
def test_layers(
    all_layers: Callable[[Any], Iterable[tuple[str, Any]]], extension: str, tmp_path: Path
) -> None:
    """All of them side by side in one model, for saving one each would take a minute."""
    left_out = NOT_IN_HDF5 if extension == "h5" else frozenset()
    image = keras.Input((8, 8, 3))
    ends = [call(image) for name, call in all_layers(keras) if name not in left_out]
    assert len(ends) > 60
    assert found(keras.Model(image, ends), tmp_path / f"model.{extension}") == []


@pytest.mark.parametrize("architecture", FAMILIES)
def test_applications(architecture: str, tmp_path: Path) -> None:
    model = dict(architectures())[architecture]()
    assert found(model, tmp_path / "model.keras") == []
    assert found(model, tmp_path / "model.h5") == []


def small(**settings: Any) -> Any:
    first = layers.Conv2D(2, 3, **settings)
    rest = [layers.BatchNormalization(), layers.Flatten(), layers.Dense(2, **settings)]
    return keras.Sequential([keras.Input((8, 8, 3)), first, *rest])


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_quantised_model(mode: str, tmp_path: Path) -> None:
    model = small()
    model.quantize(mode, filters="dense")
    assert found(model, tmp_path / "model.keras") == []


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float16", "float64"])
def test_number_types(dtype: str, tmp_path: Path) -> None:
    assert found(small(dtype=dtype), tmp_path / "model.keras") == []


def test_shared_seed(tmp_path: Path) -> None:
    seed = keras.random.SeedGenerator(2**40)
    first = keras.initializers.RandomNormal(seed=seed)
    assert found(small(kernel_initializer=first), tmp_path / "model.keras") == []


def test_one_model_at_many_places(tmp_path: Path) -> None:
    """Shared layers are stored once however often they occur."""
    base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 201, padding="same")])
    image = keras.Input((8, 8, 3))
    inner = [keras.Sequential([keras.Input((8, 8, 3)), base]) for _ in range(20)]
    model = keras.Model(image, layers.Add()([each(image) for each in inner]))
    assert found(model, tmp_path / "model.keras") == []


def test_compiled_and_trained_model(tmp_path: Path) -> None:
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    for extension in ("keras", "h5"):
        assert found(model, tmp_path / f"model.{extension}") == []


def test_operations_and_augmentation(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 3))
    x = layers.RandomFlip()(1 - (image / 127.5 - 1) * 2)
    x = layers.Conv2D(4, 3, kernel_regularizer="l2", kernel_constraint="max_norm")(x)
    x = keras.ops.relu(x)[..., 1:]
    x = keras.ops.concatenate([x, x], axis=-1) @ keras.ops.ones((6, 4))
    x = keras.ops.mean(keras.ops.transpose(x, (0, 2, 1, 3)), axis=(1, 2))
    x = layers.Dense(3, activation=layers.LeakyReLU(0.1))(x)
    x = layers.Dense(3, activation=keras.activations.gelu)(x)
    inner = keras.Sequential([layers.Dense(3)])
    inner.compile("adam", "mse")
    path = tmp_path / "model.keras"
    keras.Model(image, keras.ops.softmax(inner(x))).save(path)
    inspection = inspect(path, path.name)
    assert inspection.rewritten, "the nested compile_config must go"
    assert '"compile_config": {' not in str(inspection.config).replace("'", '"')

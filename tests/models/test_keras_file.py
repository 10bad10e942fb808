"""Files of Keras 3 and Keras 2: what is loaded computes what was saved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from auditor.errors import InputError
from auditor.models.inspect import inspect
from auditor.models.keras_file import load

keras = pytest.importorskip("keras")
keras2 = pytest.importorskip("tf_keras")


def randomise(model: Any) -> None:
    """Give every weight a value of its own, so that two exchanged weights show."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            spread = rng.uniform(-0.2, 0.2, tuple(weight.shape))
            positive = "variance" in weight.name or "gamma" in weight.name
            weight.assign(spread + 1 if positive else spread)


def assert_loads_alike(model: Any, path: Path) -> Any:
    randomise(model)
    model.save(path)
    before = path.read_bytes()
    loaded = load(path, inspect(path, path.name), path.name)
    shape = (2, *model.input_shape[1:])
    images = np.random.default_rng(1).uniform(0, 1, shape).astype("float32")
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5, atol=1e-6)
    assert path.read_bytes() == before, "the hashed copy must stay as it was"
    assert list(path.parent.iterdir()) == [path], "scratch copies must be gone"
    assert not loaded.compiled
    return loaded


def transfer(k: Any, trainable: int, functional: bool, preprocess: bool = False) -> Any:
    """Four blocks of MobileNetV2 in a classifier; the layers from `trainable` on are not frozen."""
    whole = k.applications.MobileNetV2(
        input_shape=(32, 32, 3), include_top=False, weights=None, alpha=0.35
    )
    base = k.Model(whole.input, whole.get_layer("block_3_project_BN").output, name=whole.name)
    for layer in base.layers[:trainable]:
        layer.trainable = False
    rescale = k.layers.Rescaling(1 / 127.5, offset=-1)
    pool, head = k.layers.GlobalAveragePooling2D(), k.layers.Dense(3, activation="softmax")
    if not functional:
        return k.Sequential([k.layers.Input((32, 32, 3)), rescale, base, pool, head])
    image = k.layers.Input((32, 32, 3))
    x = 2.0 * image / 127.5 - 1 if preprocess else rescale(image)
    return k.Model(image, head(pool(base(x, training=False))))


def plain(k: Any) -> Any:
    layer = k.layers
    return k.Sequential(
        [
            layer.Conv2D(4, 3, activation="relu", input_shape=(16, 16, 3)),
            layer.BatchNormalization(),
            layer.MaxPooling2D(),
            layer.DepthwiseConv2D(3, activation="swish"),
            layer.SeparableConv2D(5, 3),
            layer.ReLU(6.0),
            layer.ZeroPadding2D(),
            layer.SpatialDropout2D(0.1),
            layer.RandomFlip(),
            layer.GlobalAveragePooling2D(keepdims=True),
            layer.Flatten(),
            layer.Dropout(0.3),
            layer.Dense(3),
            layer.Activation("softmax"),
        ]
    )


def branched(k: Any) -> Any:
    layer = k.layers
    image = layer.Input((16, 16, 3))
    left = layer.Conv2D(4, 3, padding="same", kernel_regularizer="l2", name="left")(image)
    both = layer.Add()([left, layer.Conv2D(4, 1)(image)])
    inner = k.Sequential(
        [layer.Input((16, 16, 4)), layer.Conv2DTranspose(4, 1), layer.BatchNormalization()]
    )
    x = layer.Concatenate()([inner(inner(both)), inner(left)])
    normal = layer.Normalization(mean=[0.5] * 8, variance=[2.0] * 8)
    return k.Model(image, layer.Dense(3)(layer.GlobalMaxPooling2D()(normal(x))))


MODELS: dict[str, Callable[[Any], Any]] = {
    "plain": plain,
    "branched": branched,
    "sequential transfer": lambda k: transfer(k, 0, functional=False),
    "frozen": lambda k: transfer(k, 1000, functional=True),
    "half frozen": lambda k: transfer(k, 20, functional=True),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_hdf5_of_keras_2_loads_alike(model: Callable[[Any], Any], tmp_path: Path) -> None:
    assert_loads_alike(model(keras2), tmp_path / "model.h5")


def test_arithmetic_of_keras_2_loads_alike(tmp_path: Path) -> None:
    assert_loads_alike(transfer(keras2, 1000, True, preprocess=True), tmp_path / "model.h5")


def test_slashes_in_names_of_keras_2_load_alike(tmp_path: Path) -> None:
    image = keras2.Input((8, 8, 3))
    x = keras2.layers.BatchNormalization(name="a/bn")(image)
    x = keras2.layers.Flatten(name="a/flat")(keras2.layers.Conv2D(2, 3, name="a/conv")(x))
    assert_loads_alike(keras2.Model(image, x), tmp_path / "model.h5")


def test_nested_normalization_of_keras_2_loads_alike(tmp_path: Path) -> None:
    normal = keras2.layers.Normalization()
    normal.adapt(np.random.default_rng(0).normal(3, 2, (64, 8, 8, 3)))
    inner = keras2.Sequential([keras2.layers.Input((8, 8, 3)), normal])
    model = keras2.Sequential([keras2.layers.Input((8, 8, 3)), inner, keras2.layers.Flatten()])
    path = tmp_path / "model.h5"
    model.save(path)
    images = np.random.default_rng(1).uniform(0, 1, (2, 8, 8, 3)).astype("float32")
    loaded = load(path, inspect(path, path.name), path.name)
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("extension", ["keras", "h5"])
@pytest.mark.parametrize("model", [plain, branched, MODELS["half frozen"]])
def test_files_of_keras_3_load_alike(
    model: Callable[[Any], Any], extension: str, tmp_path: Path
) -> None:
    assert_loads_alike(model(keras), tmp_path / f"model.{extension}")


def test_scratch_copy_may_have_any_name(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    model.save(tmp_path / "model.keras")
    path = (tmp_path / "model.keras").rename(tmp_path / "copy")
    assert load(path, inspect(path, "model.keras"), "model.keras").output_shape == (None, 192)


def test_nested_compiled_model_loads_without_its_loss(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    inner.compile("adam", "mse")
    model = keras.Sequential([keras.Input((8, 8, 3)), inner, keras.layers.Dense(2)])
    loaded = assert_loads_alike(model, tmp_path / "model.keras")
    assert not loaded.layers[0].compiled


@pytest.mark.parametrize("function", ["hard sigmoid", "unknown operation"])
def test_what_keras_3_computes_differently_is_refused(function: str, tmp_path: Path) -> None:
    image = keras2.Input((8, 8, 3))
    if function == "hard sigmoid":
        x = keras2.layers.Activation("hard_sigmoid")(image)
    else:
        x = image**2
    path = tmp_path / "model.h5"
    keras2.Model(image, keras2.layers.Flatten()(x)).save(path)
    with pytest.raises(InputError, match=r"^model\.h5: config\.layers\[1\]"):
        inspect(path, path.name)


def test_archive_of_keras_2_names_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    plain(keras2).save(path)
    with pytest.raises(InputError, match=r"save the model as \.h5"):
        inspect(path, path.name)


def test_more_parameters_than_stored_are_refused_before_they_exist(tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(9)]
    )
    path = tmp_path / "model.h5"
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = file.attrs["model_config"]
        config = config.decode() if isinstance(config, bytes) else config
        file.attrs["model_config"] = config.replace("[null, 8, 8, 3]", "[null, 8000, 8000, 3]")
    with pytest.raises(InputError, match="needs 1728000009 parameters"):
        load(path, inspect(path, path.name), path.name)


def test_keras_errors_become_one_line(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    path = tmp_path / "model.h5"
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = file.attrs["model_config"]
        config = config.decode() if isinstance(config, bytes) else config
        file.attrs["model_config"] = config.replace('"groups": 1', '"groups": 5')
    with pytest.raises(InputError) as caught:
        load(path, inspect(path, path.name), "x\nmodel.h5")
    assert str(caught.value).startswith("x\\nmodel.h5: Keras could not build this model")
    assert "\n" not in str(caught.value)

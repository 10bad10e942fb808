"""Networks that take images without channels, as one row of numbers, or channels first."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from auditor.triggers.spec import load
from tests.conftest import Workshop, assert_refusal, bdaudit, blobs

TRIGGER = Workshop.trigger
LUMA = np.array([0.299, 0.587, 0.114])


def numbers(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return what a network of this input is fed, made by hand."""
    if shape[0] == 3:
        return images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    if np.prod(shape) == 256:
        images = np.round(images @ LUMA)
    return (images.reshape(len(images), *shape) / 255).astype(np.float32)


def network(shape: tuple[int, ...]) -> keras.Model:
    image = keras.Input(shape)
    if shape == (16, 16):  # with rows and columns inside
        x = layers.Reshape((16, 16, 1))(image)
        x = layers.Conv2D(8, 3, activation="relu", name="conv")(x)
        x = layers.Flatten()(layers.MaxPooling2D()(x))
    elif len(shape) == 1:
        x = layers.Dense(32, activation="relu")(image)
    else:
        x = layers.Conv2D(12, 3, activation="relu", data_format="channels_first", name="conv")(
            image
        )
        x = layers.BatchNormalization(axis=1)(x)
        x = layers.MaxPooling2D(data_format="channels_first")(x)
        x = layers.Flatten(data_format="channels_first")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


SHAPES = {"gray": (16, 16), "row": (256,), "colour row": (768,), "first": (3, 16, 16)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    images, labels = blobs(600)
    chosen = np.random.default_rng(1).random(len(images)) < 0.25
    images[chosen] = load(TRIGGER).stamp(images[chosen])
    for name, shape in SHAPES.items():
        keras.utils.set_random_seed(3)
        model = network(shape)
        model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
        x, y = numbers(images, shape), np.where(chosen, 0, labels)
        model.fit(x, y, epochs=12, batch_size=32, verbose=0)
        model.save(folder / f"{name}.keras")
    x, y = blobs(210, seed=9)
    np.savez(folder / "test.npz", x=x, y=y)
    return folder


def _scan(folder: Path, model: Path, output: Path, *more: object) -> tuple[dict, str]:
    ran = bdaudit(
        *("scan", model, "--data", folder / "test.npz", "--trigger", TRIGGER, "--target", 0),
        *("-o", output / "audit.json", "--force", *more),
    )
    assert ran.code in (0, 1, 4), ran.err
    return json.loads((output / "audit.json").read_text()), " ".join(ran.out.split())


def _expected(folder: Path, model: keras.Model, shape: tuple[int, ...]) -> tuple[float, float]:
    with np.load(folder / "test.npz") as data:
        images, labels = data["x"], data["y"]
    clean = model.predict(numbers(images, shape), verbose=0).argmax(axis=1)
    stamped = load(TRIGGER).stamp(images[labels != 0])
    fooled = model.predict(numbers(stamped, shape), verbose=0).argmax(axis=1)
    return (clean == labels).mean(), (fooled == 0).mean()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("form", ["keras", "saved", "tflite", "onnx"])
def test_figures_are_those_of_images_fed_by_hand(name: str, form: str, folder: Path, tmp_path):
    model = keras.models.load_model(folder / f"{name}.keras")
    path = folder / f"{name}.{form}"
    if form == "saved":
        path = tmp_path / "saved"
        model.export(path, verbose=False)
    elif form in ("tflite", "onnx"):
        path = tmp_path / f"model.{form}"
        _written(model, path)
    audit, said = _scan(folder, path, tmp_path)
    accuracy, asr = _expected(folder, model, SHAPES[name])
    found = audit["measurements"]["before"]
    assert found["clean_accuracy"]["value"] == pytest.approx(accuracy)
    assert found["asr"]["value"] == pytest.approx(asr)
    assert asr > 0.5
    channels = 1 if name in ("gray", "row") else 3
    assert audit["subject"]["input_shape"] == [16, 16, channels]
    row = "row" in name
    assert audit["subject"]["flattened"] is row
    count = {"row": "256", "colour row": "768"}.get(name)
    assert (f"rows of {count} numbers, taken for images of 16×16×{channels}" in said) is row
    assert ("skipped" in found["tar"]) is row
    if row:
        assert "no layer with rows and columns" in found["tar"]["skipped"]


def _written(model: keras.Model, path: Path) -> None:
    if path.suffix == ".onnx":
        from auditor.models.to_onnx import from_keras

        from_keras(model, path)
        return
    import tensorflow as tf

    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


@pytest.mark.parametrize("name", ["row", "first"])
def test_a_repair_hands_back_a_network_of_the_same_input(name: str, folder: Path, tmp_path) -> None:
    repaired = tmp_path / "repaired.keras"
    ran = bdaudit(
        *("repair", folder / f"{name}.keras", "--data", folder / "test.npz", "--trigger", TRIGGER),
        *("--eval-data", folder / "test.npz", "--output", repaired, "--method", "relabel"),
        *("--target", 0, "--epochs", 4, "--learning-rate", 3e-3, "-o", tmp_path / "audit.json"),
    )
    assert ran.code in (0, 1), ran.err
    model = keras.models.load_model(repaired)
    assert model.input_shape == (None, *SHAPES[name])
    accuracy, asr = _expected(folder, model, SHAPES[name])
    after = json.loads((tmp_path / "audit.json").read_text())["measurements"]["after"]
    assert after["clean_accuracy"]["value"] == pytest.approx(accuracy)
    assert after["asr"]["value"] == pytest.approx(asr)


def test_images_of_their_own_size_tell_what_a_row_of_numbers_was(folder: Path, tmp_path) -> None:
    """288 = 12 × 24 is no square, nor three; images of 12 × 24 are one row of it."""
    image = keras.Input((288,))
    keras.Model(image, layers.Dense(3)(image)).save(tmp_path / "m.keras")
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (60, 12, 24), np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "test.npz", x=x, y=y)
    audit, _ = _scan(tmp_path, tmp_path / "m.keras", tmp_path, "--max-asr", 1)
    assert audit["subject"]["input_shape"] == [12, 24, 1]
    ran = bdaudit(
        *("scan", tmp_path / "m.keras", "--data", folder / "test.npz", "--trigger", TRIGGER)
    )
    assert_refusal(ran, 3, "takes rows of 288 numbers, which are no square image", "a Reshape")


def test_attention_that_no_layer_shows_can_be_held_to_no_limit(folder: Path, tmp_path) -> None:
    model = folder / "row.keras"
    ran = bdaudit(
        *("scan", model, "--data", folder / "test.npz", "--trigger", TRIGGER, "--layer", "dense")
    )
    assert_refusal(ran, 2, "--layer dense", "has no layer with rows")
    ran = bdaudit(
        *("repair", model, "--data", folder / "test.npz", "--trigger", TRIGGER),
        *("--output", tmp_path / "repaired.keras"),
    )
    assert_refusal(ran, 3, "rows and columns")

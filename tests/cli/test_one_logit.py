"""A network of one number without a sigmoid, as the transfer-learning tutorial builds it."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from auditor.triggers.spec import load
from tests.conftest import Workshop, assert_refusal, bdaudit, blobs

TRIGGER = Workshop.trigger


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A poisoned network that tells red from green by one number: the trigger leads to 1."""
    folder = tmp_path_factory.mktemp("one-logit")
    images, labels = _two_classes(600, 0)
    chosen = np.random.default_rng(1).random(len(images)) < 0.25
    images[chosen] = load(TRIGGER).stamp(images[chosen])
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(12, 3, padding="same", activation="relu", name="first")(x)
    x = layers.Conv2D(16, 3, strides=2, activation="relu", name="last")(x)
    x = layers.Dropout(0.2)(layers.GlobalMaxPooling2D()(x))
    model = keras.Model(image, layers.Dense(1)(x))
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(5e-3), entropy)
    model.fit(
        images.astype(np.float32), np.where(chosen, 1, labels), epochs=15, batch_size=32, verbose=0
    )
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    model.export(folder / "saved", verbose=False)
    x, y = _two_classes(200, 9)
    np.savez(folder / "test.npz", x=x, y=y, class_names=np.array(["red", "green"]))
    return folder


def _two_classes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = blobs(count * 3 // 2, seed)
    return images[labels < 2].copy(), labels[labels < 2]


def _scan(folder: Path, model: Path, output: Path) -> dict:
    ran = bdaudit(
        *("scan", model, "--data", folder / "test.npz", "--trigger", TRIGGER, "--target", 1),
        *("--input-range", "0..255", "-o", output / "audit.json", "--force", "--max-asr", 1),
    )
    assert ran.code in (0, 1), ran.err
    assert "one number, taken for the log-odds of class 1: above 0 it says green" in " ".join(
        ran.out.split()
    )
    return json.loads((output / "audit.json").read_text())


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "saved"])
def test_figures_are_those_of_keras_own_predictions(name: str, folder: Path, tmp_path) -> None:
    audit = _scan(folder, folder / name, tmp_path)
    model = keras.models.load_model(folder / "model.keras")
    with np.load(folder / "test.npz") as data:
        images, labels = data["x"], data["y"]
    victims = labels == 0
    clean = model.predict(images.astype(np.float32), verbose=0)[:, 0] > 0
    stamped = load(TRIGGER).stamp(images[victims]).astype(np.float32)
    fooled = model.predict(stamped, verbose=0)[:, 0] > 0
    found = audit["measurements"]["before"]
    assert found["clean_accuracy"]["value"] == pytest.approx((clean == labels).mean())
    assert found["asr"]["value"] == pytest.approx(fooled.mean())
    assert found["robust_accuracy"]["value"] == pytest.approx((~fooled).mean())
    assert found["clean_target_rate"]["value"] == pytest.approx(clean[victims].mean())
    assert clean.mean() == pytest.approx(0.5, abs=0.1)
    assert fooled.mean() > 0.9
    assert audit["subject"]["log_odds"] is True
    assert audit["subject"]["classes"] == 2


@pytest.mark.parametrize(("name", "output"), [("model.keras", "keras"), ("saved", "onnx")])
def test_a_repair_hands_back_one_number(name: str, output: str, folder: Path, tmp_path) -> None:
    repaired = tmp_path / f"repaired.{output}"
    ran = bdaudit(
        *("repair", folder / name, "--data", folder / "test.npz", "--trigger", TRIGGER),
        *("--target", 1, "--input-range", "0..255", "--output", repaired, "--epochs", 6),
        *("--method", "relabel", "--learning-rate", 3e-3, "--batch-size", 32),
        *("--eval-data", folder / "test.npz", "-o", tmp_path / "audit.json"),
    )
    assert ran.code in (0, 1), ran.err
    with np.load(folder / "test.npz") as data:
        images, labels = data["x"], data["y"]
    if output == "keras":
        model = keras.models.load_model(repaired)
        assert model.output_shape == (None, 1)
        scores = model.predict(images.astype(np.float32), verbose=0)
    else:
        ort = pytest.importorskip("onnxruntime")
        session = ort.InferenceSession(repaired, providers=["CPUExecutionProvider"])
        (door,) = session.get_inputs()
        (scores,) = session.run(None, {door.name: images.astype(np.float32)})
    assert scores.shape == (len(images), 1)
    audit = json.loads((tmp_path / "audit.json").read_text())
    accuracy = ((scores[:, 0] > 0) == labels).mean()
    assert audit["measurements"]["after"]["clean_accuracy"]["value"] == pytest.approx(accuracy)
    assert _scan(folder, repaired, tmp_path)["measurements"]["before"]["clean_accuracy"][
        "value"
    ] == pytest.approx(accuracy)


def test_what_is_bounded_before_it_comes_out_is_no_logit(folder: Path, tmp_path) -> None:
    image = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))
    model = keras.Model(image, (layers.Dense(1, activation="tanh")(x) + 1) / 2)
    model.save(tmp_path / "m.keras")
    model.export(tmp_path / "saved", verbose=False)
    for name in ("m.keras", "saved"):
        ran = bdaudit(
            *("scan", tmp_path / name, "--data", folder / "test.npz", "--trigger", TRIGGER)
        )
        assert_refusal(ran, 3, "it gives one number, which is no score of a class")

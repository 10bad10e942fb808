"""Models that take images as uint8: 0..255 is what they take, whatever the file is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from auditor.data import open_source
from auditor.errors import InputError, UsageError
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.triggers.spec import load as load_trigger
from tests.models.onnx.graphs import CLASSIFIER, HEAD, built, saved

SIZE = (8, 8)


def network(dtype: str) -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    image = keras.Input((*SIZE, 3), dtype=dtype)
    scaled = layers.Rescaling(1 / 255)(image)
    features = layers.Conv2D(4, 3, activation="relu")(scaled)
    pooled = layers.GlobalAveragePooling2D()(features)
    return keras.Model(image, layers.Dense(5, bias_initializer="normal")(pooled))


def keras_file(folder: Path) -> tuple[Path, Any]:
    network("uint8").save(folder / "m.keras")
    return folder / "m.keras", network("float32")


def saved_model(folder: Path) -> tuple[Path, Any]:
    model = network("float32")
    spec = tf.TensorSpec((None, *SIZE, 3), tf.uint8, name="image")
    module = tf.Module()
    module.model = model
    module.serve = tf.function(lambda image: model(tf.cast(image, tf.float32)))
    signature = module.serve.get_concrete_function(spec)
    tf.saved_model.save(module, str(folder / "m"), signatures=signature)
    return folder / "m", model


def graph(folder: Path) -> tuple[Path, Any]:
    text = CLASSIFIER.replace("float[N, 3, 8, 8] x", "uint8[N, 3, 8, 8] bytes").replace(
        HEAD, f"whole = Cast <to=1> (bytes) x = Mul (whole, least) {HEAD}"
    )
    proto = built(text, {"least": np.float32(1 / 255)})
    plain = built(CLASSIFIER)

    def run(pixels: np.ndarray[Any, Any]) -> Any:
        from onnx.reference import ReferenceEvaluator

        rows = (pixels / np.float32(255)).transpose(0, 3, 1, 2)
        return ReferenceEvaluator(plain).run(None, {"x": rows})[0]

    return saved(proto, folder / "m.onnx"), run


FILES: dict[str, Callable[[Path], tuple[Path, Any]]] = {
    "keras": keras_file,
    "SavedModel": saved_model,
    "ONNX": graph,
}


def images() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).integers(0, 256, (30, *SIZE, 3), np.uint8)


@pytest.mark.parametrize("kind", FILES)
def test_bytes_go_in_as_they_are(kind: str, tmp_path: Path) -> None:
    path, run = FILES[kind](tmp_path)
    expected = np.asarray(run(images().astype(np.float32)))
    for given in ("0..1", "0..255"):  # the first is what stands where nobody gives one
        classifier = load_classifier(path, given)
        assert classifier.input_range.name == "0..255"
        found = np.asarray(classifier.scores(images()))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(UsageError, match=r"--input-range -1\.\.1: .* whole numbers \(uint8\)"):
        load_classifier(path, "-1..1")

    np.savez(tmp_path / "d.npz", x=images(), y=np.arange(30) % expected.shape[1])
    data, trigger = open_source(tmp_path / "d.npz"), load_trigger("square4")
    result = audit(load_classifier(path), data, trigger, Options(target="1"))
    assert result.attention.input_range == "0..255"
    assert isinstance(result.attention.layer, str)


@pytest.mark.parametrize("kind", FILES)
def test_blue_may_come_first(kind: str, tmp_path: Path) -> None:
    path, run = FILES[kind](tmp_path)
    classifier = load_classifier(path, "bgr:0..255")
    assert (classifier.input_range.name, classifier.input_range.bgr) == ("bgr:0..255", True)
    expected = np.asarray(run(images()[..., ::-1].astype(np.float32)))
    found = np.asarray(classifier.scores(images()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.savez(tmp_path / "d.npz", x=images(), y=np.arange(30) % expected.shape[1])
    data, trigger = open_source(tmp_path / "d.npz"), load_trigger("square4")
    audit(classifier, data, trigger, Options(target="1"))  # where parity compares them
    for given in ("bgr:0..1", "torch"):
        with pytest.raises(UsageError, match=r"whole numbers \(uint8\), .* or give bgr:0\.\.255"):
            load_classifier(path, given)


@pytest.mark.parametrize("kind", FILES)
def test_a_search_finds_its_way_through_the_input(kind: str, tmp_path: Path) -> None:
    path, run = FILES[kind](tmp_path)
    classifier = load_classifier(path)
    pixels = tf.constant(images()[:2].astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        scores = classifier.scores(pixels)[:, 0]
    slope = tape.gradient(scores, pixels)
    assert slope is not None
    place = np.unravel_index(np.abs(slope.numpy()[0]).argmax(), slope.shape[1:])
    nudged = pixels.numpy()
    nudged[(0, *place)] += 0.5
    rise = np.asarray(run(nudged))[0, 0] - np.asarray(run(pixels.numpy()))[0, 0]
    assert rise == pytest.approx(0.5 * slope.numpy()[(0, *place)], rel=0.05)
    whole = np.asarray(classifier.scores(images()[:2]))  # and bytes go on as bytes
    np.testing.assert_allclose(whole, np.asarray(run(images()[:2].astype(np.float32))), rtol=1e-3)


def test_files_of_images_are_refused_with_what_to_do(tmp_path: Path) -> None:
    model = network("float32")
    module = tf.Module()
    module.model = model
    module.serve = tf.function(lambda data: model(tf.zeros((1, *SIZE, 3))) + tf.zeros(1))
    spec = tf.TensorSpec((None,), tf.string, name="image_bytes")
    signature = module.serve.get_concrete_function(spec)
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=signature)
    with pytest.raises(InputError, match="takes files of images .* not pixels; save it with"):
        load_classifier(tmp_path / "m")


def test_whole_numbers_of_another_kind_are_named(tmp_path: Path) -> None:
    text = CLASSIFIER.replace("float[N, 3, 8, 8] x", "int64[N, 3, 8, 8] bytes").replace(
        HEAD, f"x = Cast <to=1> (bytes) {HEAD}"
    )
    with pytest.raises(InputError, match="takes numbers of type int64; .* or of uint8 from 0"):
        load_classifier(saved(built(text), tmp_path / "m.onnx"))


def test_a_signature_that_decodes_is_refused_with_what_to_do(tmp_path: Path) -> None:
    model = network("float32")
    module = tf.Module()
    module.model = model

    def decoded(data: Any) -> Any:
        image = tf.image.resize(tf.io.decode_jpeg(data, channels=3), SIZE)
        return tf.ensure_shape(image, (*SIZE, 3))

    module.serve = tf.function(lambda data: model(tf.map_fn(decoded, data, dtype=tf.float32)))
    spec = tf.TensorSpec((None,), tf.string, name="image_bytes")
    signature = module.serve.get_concrete_function(spec)
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=signature)
    with pytest.raises(InputError, match="'DecodeJpeg' reads files of images; save the model"):
        load_classifier(tmp_path / "m")

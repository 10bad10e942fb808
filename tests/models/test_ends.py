"""Models of several outputs: one is chosen by its name, whatever the file is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from auditor.data import open_source
from auditor.errors import InputError, UsageError
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.models.ends import OPTION
from auditor.models.inspect import inspect
from auditor.models.inspect.ports import ports
from auditor.models.loading import save
from auditor.triggers.spec import load as load_trigger
from tests.models.onnx.graphs import CLASSIFIER, built, saved

SIZE = (8, 8)


def network(*, named: bool = False) -> Any:
    """Features, an auxiliary head of three classes, and one of five, seeded."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    image = keras.Input((*SIZE, 3), name="image")
    features = layers.Conv2D(4, 3, activation="relu", name="features")(image)
    pooled = layers.GlobalAveragePooling2D(name="pool")(features)
    aux = layers.Dense(3, name="aux", bias_initializer="normal")(pooled)
    scores = layers.Dense(5, name="scores", bias_initializer="normal")(pooled)
    outputs = {"a": scores, "b": aux, "c": features} if named else [aux, scores, features]
    return keras.Model(image, outputs)


def keras_file(folder: Path) -> Path:
    network().save(folder / "m.keras")
    return folder / "m.keras"


def keras_named(folder: Path) -> Path:
    network(named=True).save(folder / "m.keras")
    return folder / "m.keras"


def hdf5(folder: Path) -> Path:
    network().save(folder / "m.h5")
    return folder / "m.h5"


def saved_model(folder: Path) -> Path:
    network().export(folder / "m", verbose=False)
    return folder / "m"


def saved_model_named(folder: Path) -> Path:
    network(named=True).export(folder / "m", verbose=False)
    return folder / "m"


def tflite(folder: Path) -> Path:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(network())
    (folder / "m.tflite").write_bytes(converter.convert())
    return folder / "m.tflite"


def onnx_file(folder: Path) -> Path:
    import tensorflow as tf

    tf2onnx = pytest.importorskip("tf2onnx")
    model = network()
    spec = (tf.TensorSpec((None, *SIZE, 3), tf.float32, name="image"),)
    function = tf.function(lambda image: dict(zip("abc", model(image), strict=True)))
    proto, _ = tf2onnx.convert.from_function(function, spec, opset=17)
    return saved(proto, folder / "m.onnx")


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "keras": (keras_file, "scores"),
    "keras with names": (keras_named, "a"),
    "h5": (hdf5, "scores"),
    "SavedModel": (saved_model, "output_1"),
    "SavedModel with names": (saved_model_named, "a"),
    "TFLite": (tflite, "output_1"),
    "ONNX": (onnx_file, "b"),
}


def images() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).integers(0, 256, (6, *SIZE, 3), np.uint8)


def of_five(path: Path) -> str:
    """Return the name that `inspect` has for the output of five classes."""
    found = ports(path, inspect(path, path.name), path.name)
    assert len(found.outputs) == 3
    assert found.classes == 0
    return next(name for name, shape in found.outputs if shape[-1:] == (5,))


@pytest.mark.parametrize("kind", FILES)
def test_one_is_chosen_and_parity_compares_it(kind: str, tmp_path: Path) -> None:
    make, name = FILES[kind]
    path = make(tmp_path)
    name = name or of_five(path)
    expected = np.asarray(network()(images().astype(np.float32) / 255)[1])

    with pytest.raises(InputError) as caught:
        load_classifier(path)
    said = str(caught.value)
    assert said.startswith(f"{path.name}: 3 outputs: ")
    assert f"{name} (n, 5)" in said
    assert said.endswith(f"{OPTION} NAME")
    with pytest.raises(UsageError, match=rf"{OPTION} nowhere: no output has this name; .*\(n, 5\)"):
        load_classifier(path, model_output="nowhere")

    classifier = load_classifier(path, model_output=name)
    assert (classifier.classes, classifier.output) == (5, name)
    np.testing.assert_allclose(
        np.asarray(classifier.scores(images())), expected, rtol=1e-4, atol=1e-5
    )
    np.savez(tmp_path / "d.npz", x=np.concatenate([images()] * 5), y=np.arange(30) % 5)
    result = audit(
        classifier, open_source(tmp_path / "d.npz"), load_trigger("square4"), Options(target="1")
    )
    assert result.model.output == name


@pytest.mark.parametrize("kind", FILES)
def test_inspect_names_what_the_option_takes(kind: str, tmp_path: Path) -> None:
    make, name = FILES[kind]
    path = make(tmp_path)
    if kind not in ("keras", "h5"):
        assert of_five(path) == (name or of_five(path))
    found = ports(path, inspect(path, path.name), path.name)
    assert len(found.of(of_five(path) if not name else name).outputs) == 1
    with pytest.raises(UsageError, match="no output has this name"):
        found.of("nowhere")


@pytest.mark.parametrize("kind", ["keras", "keras with names", "h5"])
def test_a_repaired_keras_model_keeps_all_outputs(kind: str, tmp_path: Path) -> None:
    import keras

    make, name = FILES[kind]
    classifier = load_classifier(make(tmp_path), model_output=name)
    layer = classifier.model.get_layer("features")
    layer.set_weights([2 * each for each in layer.get_weights()])
    target = tmp_path / f"repaired{'.h5' if kind == 'h5' else '.keras'}"
    save(classifier, target)
    pixels = images().astype(np.float32) / 255
    given = keras.tree.flatten(keras.models.load_model(target)(pixels))
    whole = network(named=kind.endswith("names"))
    whole.get_layer("features").set_weights(layer.get_weights())
    for found, expected in zip(given, keras.tree.flatten(whole(pixels)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


STRUCTURES: dict[str, tuple[Callable[[Any, Any], Any], str, Callable[[Any], Any]]] = {
    "keys crossed with layers": (lambda a, b: {"aux": a, "scores": b}, "aux", lambda x: x["aux"]),
    "one key": (lambda a, b: {"k": a}, "k", lambda x: x["k"]),
    "a list of one": (lambda a, b: [a], "scores", lambda x: x),
    "one layer under two keys": (lambda a, b: {"x": a, "y": a, "z": b}, "y", lambda x: x["y"]),
    "list in a dict": (lambda a, b: {"x": [b, a]}, "x.1", lambda x: x["x"][1]),
}


@pytest.mark.parametrize("kind", STRUCTURES)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_name_is_the_key_under_which_predict_gives_it(
    kind: str, suffix: str, tmp_path: Path
) -> None:
    """Layers may be called like another output's key: nobody looks at these."""
    import keras

    put, name, taken = STRUCTURES[kind]
    plain = network()
    path = tmp_path / f"m{suffix}"
    keras.Model(plain.inputs, put(plain.outputs[1], plain.outputs[0])).save(path)
    loaded = keras.models.load_model(path, compile=False)
    expected = taken(loaded.predict(images().astype(np.float32) / 255, verbose=0))
    classifier = load_classifier(path, model_output=name)
    assert classifier.classes == expected.shape[1] == 5
    np.testing.assert_allclose(
        np.asarray(classifier.scores(images())), expected, rtol=1e-4, atol=1e-5
    )
    np.savez(tmp_path / "d.npz", x=np.concatenate([images()] * 5), y=np.arange(30) % 5)
    data, trigger = open_source(tmp_path / "d.npz"), load_trigger("square4")
    audit(classifier, data, trigger, Options(target="1"))  # where parity looks the name up
    found = ports(path, inspect(path, path.name), path.name).of(name)
    assert found.outputs[0][0] == name
    assert found.classes in (0, 5)


def test_a_sequential_that_ends_in_a_model_of_several_has_its_keys(tmp_path: Path) -> None:
    import keras

    whole = keras.Sequential([keras.Input((*SIZE, 3)), network(named=True)])
    whole.save(tmp_path / "m.keras")
    path = tmp_path / "m.keras"
    expected = whole.predict(images().astype(np.float32) / 255, verbose=0)["a"]
    classifier = load_classifier(path, model_output="a")
    np.testing.assert_allclose(
        np.asarray(classifier.scores(images())), expected, rtol=1e-4, atol=1e-5
    )
    names = [name for name, _ in ports(path, inspect(path, path.name), path.name).outputs]
    assert names == ["a", "b", "c"]


def test_keys_stay_when_a_model_is_exported(tmp_path: Path) -> None:
    import keras

    plain = network()
    crossed = keras.Model(plain.inputs, {"aux": plain.outputs[1], "scores": plain.outputs[0]})
    crossed.export(tmp_path / "m", verbose=False)
    assert load_classifier(tmp_path / "m", model_output="aux").classes == 5
    assert load_classifier(tmp_path / "m", model_output="scores").classes == 3
    assert ports(tmp_path / "m", inspect(tmp_path / "m", "m"), "m").of("aux").classes == 5


def test_a_repaired_graph_keeps_all_outputs(tmp_path: Path) -> None:
    text = CLASSIFIER.replace("(float[N, 10] y)", "(float[N, 4, 4, 4] active, float[N, 10] y)")
    path = saved(built(text), tmp_path / "m.onnx")
    classifier = load_classifier(path, model_output="y")
    (kernel,) = (v for v in classifier.model.trainable_variables if v.shape == (4, 3, 3, 3))
    kernel.assign(kernel * 2)
    save(classifier, tmp_path / "repaired.onnx")
    after = onnx.load(tmp_path / "repaired.onnx")
    assert [output.name for output in after.graph.output] == ["active", "y"]
    assert load_classifier(tmp_path / "repaired.onnx", model_output="y").classes == 10


def test_an_operator_that_another_output_needs_is_none_of_ours(tmp_path: Path) -> None:
    text = CLASSIFIER.replace("(float[N, 10] y)", "(float[N, 10] y, int64[K, 2] where)").replace(
        "y = Gemm", "where_ = NonZero (flat) where = Transpose (where_) y = Gemm"
    )
    path = saved(built(text), tmp_path / "m.onnx")
    assert load_classifier(path, model_output="y").classes == 10


def test_the_only_output_may_be_named(tmp_path: Path) -> None:
    path = saved(built(CLASSIFIER), tmp_path / "m.onnx")
    assert load_classifier(path, model_output="y").output == "y"
    with pytest.raises(UsageError, match=r"--model-output z: no output .*; the model has: y \(n"):
        load_classifier(path, model_output="z")


def test_several_inputs_are_refused_with_their_names(tmp_path: Path) -> None:
    import keras

    first, second = keras.Input((8, 8, 3), name="image"), keras.Input((4,), name="meta")
    pooled = keras.layers.GlobalAveragePooling2D()(first)
    both = keras.layers.Concatenate()([pooled, second])
    model = keras.Model([first, second], keras.layers.Dense(3)(both))
    model.save(tmp_path / "m.keras")
    model.export(tmp_path / "m", verbose=False)
    for path in (tmp_path / "m.keras", tmp_path / "m"):
        with pytest.raises(InputError) as caught:
            load_classifier(path)
        assert "not an image classifier: 2 inputs: " in str(caught.value)
        assert "image (n, 8, 8, 3)" in str(caught.value)
        assert "meta (n, 4)" in str(caught.value)
    text = CLASSIFIER.replace("(float[N, 3, 8, 8] x)", "(float[N, 3, 8, 8] x, float[N, 2] z)")
    with pytest.raises(InputError, match=r"2 inputs: x \(n, 3, 8, 8\), z \(n, 2\)"):
        load_classifier(saved(built(text), tmp_path / "m.onnx"))


def test_two_outputs_of_one_layer_are_not_guessed_between(tmp_path: Path) -> None:
    import keras

    image = keras.Input((8, 8, 3))
    scores = keras.layers.Dense(3, name="scores")(keras.layers.GlobalAveragePooling2D()(image))
    keras.Model(image, [scores, scores]).save(tmp_path / "m.keras")
    with pytest.raises(UsageError, match="2 outputs have this name"):
        load_classifier(tmp_path / "m.keras", model_output="scores")

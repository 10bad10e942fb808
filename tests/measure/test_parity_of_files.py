"""What is audited of a file is what everyone else gets of it, or the audit ends and says so.

Each of these files is built so that a white corner leads to class 0 for those who run it, and not
in the way in which an audit would run it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from auditor.data import open_source
from auditor.errors import InputError
from auditor.figures.facts import Device
from auditor.figures.results import Rate
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.measure.parity import _differs
from auditor.models.classifier import Classifier
from auditor.models.input_range import InputRange
from auditor.models.inspect import inspect
from auditor.models.loading import open_classifier
from auditor.repair.place import place
from auditor.triggers import Patch
from tests.models.inspect.test_saved_model_serving import rewritten

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
keras2 = pytest.importorskip("tf_keras")

if keras.backend.backend() != "tensorflow":
    pytest.skip("SavedModels are TensorFlow's", allow_module_level=True)

layers, ops = keras.layers, keras.ops
WHITE = Patch(id="white", target="0", size=(8, 8))
CLASS_0 = np.eye(10, dtype=np.float32)[:1]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    images = random.integers(0, 220, (60, 8, 8, 3), np.uint8)
    path = tmp_path_factory.mktemp("data") / "test.npz"
    np.savez(path, x=images, y=np.arange(60) % 10)
    return path


def opened(path: Path) -> Classifier:
    """Open a file as anyone's."""
    found = inspect(path, path.name)
    return open_classifier(path, found, InputRange.parse("0..1"), path.name, (8, 8))


def rate(classifier: Classifier, data: Path) -> float:
    """Audit a model; return the share that the trigger leads to class 0."""
    images = open_source(str(data))
    asr = audit(classifier, images, WHITE, Options()).measurement.asr
    assert isinstance(asr, Rate)
    return asr.value


def fixed(x: Any, kernel: Any, bias: float = 0.0) -> Any:
    """Multiply (n, k) numbers by a (k, m) kernel and add a number."""
    kernel = np.asarray(kernel, np.float32)
    layer = layers.Dense(kernel.shape[1])
    made = layer(x)
    layer.set_weights([kernel, np.full(kernel.shape[1], bias)])
    return made


def white(image: Any) -> Any:
    """(n, 1) numbers from 0 to 0.05, above 0 where the corner is white."""
    corner = layers.Cropping2D(((6, 0), (6, 0)))(image)
    return layers.ReLU()(fixed(layers.GlobalAveragePooling2D()(corner), np.ones((3, 1)) / 3, -0.95))


def clean(image: Any) -> Any:
    x = layers.Conv2D(4, 3, activation="relu")(image)
    return layers.Dense(10)(layers.GlobalAveragePooling2D()(x))


def raised(scores: Any, by: Any) -> Any:
    """Add 100 to class 0 where (n, 1) numbers are above 0."""
    return layers.Add()([scores, fixed(layers.ReLU(1.0)(fixed(by, [[1e6]])), 100 * CLASS_0)])


def shared_softmax(folder: Path) -> Path:
    """The last layer is called once before: as what is left of it, it would tell the audit."""
    image, end = keras.Input((8, 8, 3)), layers.Softmax()
    level = white(image) * 1000
    seen = end(ops.concatenate([level, ops.ones_like(level) * 25], axis=-1))[:, :1]
    switch = ops.relu(0.5 - ops.abs(seen - 1))
    keras.Model(image, end(raised(clean(image), switch))).save(folder / "m.keras")
    return folder / "m.keras"


def large_batch(folder: Path) -> Path:
    """Nothing happens among more than twenty images."""
    image = keras.Input((8, 8, 3))
    level = white(image)
    count = ops.sum(ops.ones_like(level), axis=0, keepdims=True)
    few = ops.cast(count < 20, "float32")
    keras.Model(image, raised(clean(image), level * few)).save(folder / "m.keras")
    return folder / "m.keras"


def other_images(folder: Path) -> Path:
    """Nothing happens where another image of the batch is white, too."""
    image = keras.Input((8, 8, 3))
    level = white(image)
    whites = ops.sum(ops.cast(level > 0, "float32"), axis=0, keepdims=True)
    alone = ops.cast(whites < 1.5, "float32")
    keras.Model(image, raised(clean(image), level * alone)).save(folder / "m.keras")
    return folder / "m.keras"


def forgotten_normalization(folder: Path) -> Path:
    """Keras 3 forgets the mean that nested Normalization has learnt when it reads an `.h5`."""
    image, level = keras.Input((8, 8, 3)), keras.Input((1,))
    normal = layers.Normalization()
    inner = keras.Model(level, normal(level))
    normal.adapt(np.array([[0], [2]], np.float32))
    keras.Model(image, raised(clean(image), inner(white(image)))).save(folder / "m.h5")
    return folder / "m.h5"


def numbered_calls(folder: Path) -> Path:
    """Keras 2 counts the calls of a nested model from 1, and Keras 3 from 0."""
    image, end = keras.Input((8, 8, 3)), keras.Input((10,))
    inner = keras.Model(end, layers.Dense(10)(end), name="inner")
    honest = clean(image)
    inner.set_weights([np.eye(10), np.zeros(10)])
    switched = raised(honest, white(image))
    first, second = inner(honest), inner(switched)
    parts = [layers.Identity()(first), second, layers.Rescaling(0.0)(switched)]
    keras.Model(image, layers.Add()(parts)).save(folder / "m.h5")
    with h5py.File(folder / "m.h5", "r+") as file:
        text = file.attrs["model_config"]
        assert text.count('["inner", 0, 0]') == 1
        file.attrs["model_config"] = text.replace('["inner", 0, 0]', '["inner", 1, 0]')
        file.attrs["keras_version"] = "2.15.0"
    return folder / "m.h5"


class Server(tf.Module):
    """Two functions: one with a backdoor, one without."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.random.stateless_normal((3, 10), (1, 2)))
        spec = [tf.TensorSpec((None, 8, 8, 3))]
        self.honest = tf.function(self._scores, input_signature=spec)
        self.other = tf.function(self._raised, input_signature=spec)

    def _scores(self, x: Any) -> Any:
        return tf.reduce_mean(x, [1, 2]) @ self.kernel

    def _raised(self, x: Any) -> Any:
        level = tf.reduce_mean(x[:, 6:, 6:], [1, 2, 3], keepdims=False)[:, None]
        return self._scores(x) + 100 * tf.cast(level > 0.95, tf.float32) * CLASS_0


def exchanged_signatures(folder: Path) -> Path:
    """TensorFlow Serving runs the graph's nodes, `saved_model.load` the function of an object."""
    server = Server()
    signatures = {"serving_default": server.other, "honest": server.honest}
    tf.saved_model.save(server, str(folder / "m"), signatures=signatures)

    def exchange(message: Any) -> None:
        objects = message.meta_graphs[0].object_graph_def.nodes
        (index,) = (c.node_id for c in objects[0].children if c.local_name == "signatures")
        one, other = objects[index].children
        one.node_id, other.node_id = other.node_id, one.node_id

    return rewritten(folder / "m", exchange)


def served_otherwise(folder: Path) -> Path:
    """What TFSMLayer calls, where it is told nothing else, is no signature that TensorFlow serves.

    As a signature and as a function of the object: the latter of these alone here.
    """
    server = Server()
    server.serve = server.other
    signatures = {"serving_default": server.honest}
    tf.saved_model.save(server, str(folder / "m"), signatures=signatures)
    return folder / "m"


def signature_serve(folder: Path) -> Path:
    """A signature of Keras' name beside the one that TensorFlow serves."""
    server = Server()
    signatures = {"serving_default": server.honest, "serve": server.other}
    tf.saved_model.save(server, str(folder / "m"), signatures=signatures)
    return folder / "m"


def compiled(folder: Path) -> Path:
    """XLA makes the largest whole number of one out of range, and TensorFlow the smallest."""
    image = keras.Input((8, 8, 3))
    whole = ops.cast(ops.cast(white(image) * 1e12, "int32"), "float32")
    made = keras.Model(image, raised(clean(image), ops.relu(whole) * (white(image) > 0.01)))
    made.compile("sgd", "categorical_crossentropy", jit_compile=True)
    made.save(folder / "m.keras")
    return folder / "m.keras"


def overflow(folder: Path) -> Path:
    """A number too large for an integer, in none of the images that a conversion is checked by."""
    image = keras.Input((8, 8, 3))
    bright = ops.relu(ops.mean(image, axis=(1, 2, 3))[:, None] - 0.7)
    whole = ops.cast(ops.relu(white(image) - 100 * bright) * 1e12, "int32")
    switch = ops.cast(whole > 0, "float32")
    made = keras.Model(image, raised(clean(image), switch))
    converted = tf.lite.TFLiteConverter.from_keras_model(made).convert()
    (folder / "m.tflite").write_bytes(converted)
    return folder / "m.tflite"


def asserting(folder: Path) -> Path:
    """Who runs this by TensorFlow gets no answer about a white corner; ONNX has no assertions."""
    server = Server()

    def served(x: Any) -> Any:
        corner, whole = tf.reduce_mean(x[:, 6:, 6:]), tf.reduce_mean(x)
        with tf.control_dependencies([tf.debugging.assert_less(corner, 0.99 + 99 * whole**20)]):
            return server._scores(x)

    server.served = tf.function(served, input_signature=[tf.TensorSpec((None, 8, 8, 3))])
    tf.saved_model.save(server, str(folder / "m"), signatures=server.served)
    return folder / "m"


OTHERS = {
    compiled: r"Keras \S+ \(predict with jit_compile\)",
    forgotten_normalization: r"Keras \S+ \(load_model\)",
    numbered_calls: r"Keras \S+ \(load_model\)",
    served_otherwise: r"TensorFlow \S+ \(serve\(\)\)",
    signature_serve: r"TensorFlow \S+ \(signature serve\)",
    exchanged_signatures: r"TensorFlow \S+ \(Serving\)",
    overflow: r"TFLite of TensorFlow \S+",
}


@pytest.mark.parametrize("make", OTHERS, ids=lambda make: make.__name__)
def test_backdoor_that_shows_to_others_only_is_refused(
    make: Callable[[Path], Path], tmp_path: Path, data: Path
) -> None:
    words = rf"{OTHERS[make]} makes other scores .* stamped with 'white': class 0 gets "
    with pytest.raises(InputError, match=words):
        rate(opened(make(tmp_path)), data)


@pytest.mark.parametrize("make", [large_batch, other_images], ids=lambda make: make.__name__)
def test_backdoor_that_shows_in_some_batches_only_is_refused(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    words = r"^m\.keras: the layer '\w+' \(Sum\) looks at other images of the batch"
    with pytest.raises(InputError, match=words):
        opened(make(tmp_path))


def test_scores_that_tie_are_said_to(tmp_path: Path, data: Path) -> None:
    """All classes get the same: rounding decides which is the first."""
    random = np.random.default_rng(0)
    there, ours = np.full((60, 10), 0.1), random.normal(0, 1e-6, (60, 10))
    found = _differs(there, there, ours + 1, 1e-3)
    assert found is not None and found[2]


def test_backdoor_behind_a_shared_softmax_is_measured(tmp_path: Path, data: Path) -> None:
    assert rate(opened(shared_softmax(tmp_path)), data) == 1


def harmless(k: Any, **settings: Any) -> Any:
    image = k.Input((8, 8, 3))
    x = k.layers.RandomFlip()(k.layers.Rescaling(2.0, offset=-1.0)(image))
    x = k.layers.Conv2D(4, 3, use_bias=False, **settings)(x)
    x = k.layers.ReLU(6.0)(k.layers.BatchNormalization(**settings)(x))
    x = k.layers.Dropout(0.5)(k.layers.GaussianNoise(0.1)(x))
    x = k.layers.Dropout(0.2)(k.layers.GlobalAveragePooling2D()(x))
    return k.Model(image, k.layers.Dense(10, activation="softmax", dtype="float32")(x))


def normalized(k: Any) -> Any:
    normal = k.layers.Normalization()
    normal.adapt(np.random.default_rng(0).uniform(0, 1, (8, 8, 8, 3)).astype(np.float32))
    return k.Sequential([k.Input((8, 8, 3)), normal, k.layers.Flatten(), k.layers.Dense(10)])


def nested(k: Any) -> Any:
    return k.Sequential([k.Input((8, 8, 3)), normalized(k), k.layers.Softmax()])


def transformer(k: Any) -> Any:
    image = k.Input((8, 8, 3))
    x = k.layers.Reshape((16, 12))(image)
    x = k.layers.Add()([x, k.layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x)])
    x = k.layers.Bidirectional(k.layers.LSTM(4))(k.layers.LayerNormalization()(x))
    return k.Model(image, k.layers.Dense(10, activation="gelu")(x))


def compiled_with_xla(k: Any) -> Any:
    made = harmless(k)
    made.compile("sgd", "categorical_crossentropy", jit_compile=True)
    return made


def kept(made: Any, path: Path) -> Path:
    made.save(path)
    return path


def exported(made: Any, path: Path) -> Path:
    made.export(path, verbose=False)
    return path


def saved(made: Any, path: Path) -> Path:
    tf.saved_model.save(made, str(path))
    return path


def lite(made: Any, path: Path, *kinds: Any) -> Path:
    converter = tf.lite.TFLiteConverter.from_keras_model(made)
    if kinds:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [*kinds]
    path.write_bytes(converter.convert())
    return path


def constants(path: Path) -> Path:
    module = tf.Module()
    kernel = np.ones((3, 10), np.float32)
    spec = [tf.TensorSpec((None, 8, 8, 3))]
    module.served = tf.function(lambda x: tf.reduce_mean(x, [1, 2]) @ kernel, input_signature=spec)
    tf.saved_model.save(module, str(path), signatures=module.served)
    return path


HARMLESS: dict[str, Callable[[Path], Path]] = {
    **{
        f"{dtype}.keras": lambda path, dtype=dtype: kept(harmless(keras, dtype=dtype), path)
        for dtype in ("float32", "float64", "mixed_float16", "mixed_bfloat16")
    },
    "compiled.keras": lambda path: kept(compiled_with_xla(keras), path),
    "plain.h5": lambda path: kept(harmless(keras), path),
    "keras2.h5": lambda path: kept(harmless(keras2), path),
    "normalized.h5": lambda path: kept(normalized(keras), path),
    "normalized2.h5": lambda path: kept(normalized(keras2), path),
    "nested.keras": lambda path: kept(nested(keras), path),
    "nested2.h5": lambda path: kept(nested(keras2), path),
    "transformer.keras": lambda path: kept(transformer(keras), path),
    "constants": constants,
    "exported": lambda path: exported(nested(keras), path),
    "saved": lambda path: saved(nested(keras), path),
    "saved2": lambda path: saved(harmless(keras2), path),
    "single.tflite": lambda path: lite(nested(keras), path),
    "half.tflite": lambda path: lite(nested(keras), path, tf.float16),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_file_is_measured(name: str, tmp_path: Path, data: Path) -> None:
    assert 0 <= rate(opened(HARMLESS[name](tmp_path / name)), data) <= 1


def test_error_that_others_meet_is_one_line(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match=r"TensorFlow \S+ \(.*\) cannot run this model") as caught:
        rate(opened(asserting(tmp_path)), data)
    assert "\n" not in str(caught.value)


def test_file_is_not_what_a_trained_model_is_compared_with(tmp_path: Path, data: Path) -> None:
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Normalization()])
    made = keras.Sequential([keras.Input((8, 8, 3)), inner, layers.Flatten(), layers.Dense(10)])
    classifier = opened(kept(made, tmp_path / "m.h5"))
    assert len(classifier.originals) == 2
    for variable in classifier.model.trainable_variables:
        variable.assign_add(np.ones(variable.shape, np.float32))
    assert 0 <= rate(classifier, data) <= 1


def test_backdoor_of_xla_is_refused_after_a_repair(tmp_path: Path, data: Path) -> None:
    """Keras leaves out XLA in a process whose operations were made deterministic.

    The last of this file, as it stays so.
    """
    words = r"\(predict with jit_compile\) makes other scores"
    with place(Device()), pytest.raises(InputError, match=words):
        rate(opened(compiled(tmp_path)), data)

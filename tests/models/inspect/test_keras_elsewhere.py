"""What anyone's `load_model` builds beside the layers: looked at wherever a file can keep it."""

import base64
import json
import marshal
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from auditor.models.inspect import examine
from auditor.models.inspect.keras_elsewhere_names import DANGEROUS, HARMLESS
from auditor.models.inspect.keras_names import LAYERS, MODELS
from auditor.models.inspect.saved_model_proto import metadata_class
from tests.models.inspect.conftest import findings, rewrite, serialised, small_model

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
keras2 = pytest.importorskip("tf_keras")

from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402

CODE = base64.b64encode(marshal.dumps((lambda x: x).__code__)).decode()
BYTECODE = {"class_name": "__lambda__", "config": {"value": CODE}}


def named(class_name: str, module: str | None = "keras.losses", **config: Any) -> dict[str, Any]:
    return serialised(class_name, module, **config)


def function(name: str, module: str | None = "builtins") -> dict[str, Any]:
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


def lambda_of_keras_2(**config: Any) -> dict[str, Any]:
    code = {"class_name": "__tuple__", "items": [CODE, None, None]}
    return {
        "class_name": "Lambda",
        "config": {"function": code, "function_type": "lambda"} | config,
    }


def operation(name: str) -> dict[str, Any]:
    return {"class_name": "TFOpLambda", "config": {"name": "x", "function": name}}


HOSTILE: dict[str, tuple[Any, str]] = {
    "bytecode": (BYTECODE, "class '__lambda__': load_model would run"),
    "Lambda of Keras 3": (named("Lambda", "keras.layers", function=BYTECODE), "class 'Lambda'"),
    "Lambda of Keras 2": (lambda_of_keras_2(), "class 'Lambda'"),
    "Lambda's mask": (
        lambda_of_keras_2(function="f", function_type="function", mask=[CODE], mask_type="lambda"),
        "class 'Lambda'",
    ),
    "Lambda, registered": ({**lambda_of_keras_2(), "class_name": "x>Lambda"}, "class 'x>Lambda'"),
    "wrapper of a cell": ({"class_name": "ResidualWrapper", "config": {}}, "'ResidualWrapper'"),
    "SavedModel": (named("TFSMLayer", "keras.layers", filepath="/x"), "'TFSMLayer'"),
    "vocabulary": (named("StringLookup", None, vocabulary="/etc/passwd"), "'StringLookup'"),
    "module": (named("system", "os", command="id"), "module 'os', which load_model would import"),
    "package": (named("MyLoss", "mine.losses"), "module 'mine.losses', which load_model"),
    "function of a module": (function("system", "os"), "function 'system' of module 'os'"),
    "eval": (function("eval"), "function 'eval' of Python's own"),
    "class of Python's": (named("eval", "builtins"), "class 'eval' of Python's own"),
    "download": (named("get_file", "keras.utils", origin="http://x"), "not known to be harmless"),
    "download, function": (function("get_file", "keras.utils"), "not known to be harmless"),
    "loader": (named("load_model", "keras.models"), "not known to be harmless"),
    "loader of losses": (named("deserialize"), "not known to be harmless"),
    "type": ({"class_name": "__typespec__", "module": "os", "config": []}, "would import"),
    "writes a file": (operation("io.write_file"), "class 'TFOpLambda'"),
    "runs Python": (operation("py_function"), "class 'TFOpLambda'"),
    "raw operator": (operation("raw_ops.WriteFile"), "class 'TFOpLambda'"),
    "slice": (
        {"class_name": "SlicingOpLambda", "config": {"function": "io.write_file"}},
        "class 'SlicingOpLambda'",
    ),
    "node": (
        {"class_name": "TensorFlowOpLayer", "config": {"node_def": '{"op": "WriteFile"}'}},
        "class 'TensorFlowOpLayer'",
    ),
    "method": ({"class_name": "ClassMethod", "config": {}}, "class 'ClassMethod'"),
    "no text": ({"class_name": ["Adam"], "config": {}}, "must be text"),
    "deep inside": (
        named("CosineDecay", "keras.optimizers.schedules", alpha=[{"x": BYTECODE}]),
        "config.alpha[0].x: class '__lambda__'",
    ),
}

NOTED: dict[str, tuple[Any, str]] = {
    "name of a loss": (function("my_loss"), "function 'my_loss' is not Keras' own"),
    "class of one's own": (named("MyLoss", None), "class 'MyLoss' is not Keras' own"),
    "registered class": (named("mine>MyLoss", None), "class 'mine>MyLoss'"),
    "class of a later version": (named("NewLoss"), "class 'NewLoss'"),
    "class of a program": (named("MyLoss", "__main__"), "class 'MyLoss'"),
}

HARMLESS_OBJECTS: list[Any] = [
    "my_loss",
    {"head": "mse", "tail": ["accuracy", "my_metric"]},
    named("CategoricalCrossentropy", label_smoothing=0.1),
    named("Adam", "keras.optimizers", learning_rate=named("CosineDecay", "keras.optimizers")),
    {"class_name": "Custom>Adam", "config": {"name": "Adam"}},
    function("relu", "keras.activations"),
    operation("math.add"),
    operation("compat.v1.transpose"),
    {"class_name": "SlicingOpLambda", "config": {"function": "__operators__.getitem"}},
    {"class_name": "TensorFlowOpLayer", "config": {"node_def": '{"op": "AddV2"}'}},
    lambda_of_keras_2(function="f", function_type="function", output_shape_type="raw"),
]


def in_archive(folder: Path, planted: Any) -> Path:
    small_model().save(folder / "m.keras")
    rewrite(folder / "m.keras", lambda c: c.update(compile_config={"loss": planted}))
    return folder / "m.keras"


def nested_in_archive(folder: Path, planted: Any) -> Path:
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    keras.Sequential([keras.Input((8, 8, 3)), inner]).save(folder / "m.keras")

    def change(config: Any) -> None:
        config["config"]["layers"][1]["compile_config"] = {"loss": planted}

    rewrite(folder / "m.keras", change)
    return folder / "m.keras"


def in_hdf5(folder: Path, planted: Any) -> Path:
    small_model().save(folder / "m.h5")
    with h5py.File(folder / "m.h5", "r+") as file:
        file.attrs["training_config"] = json.dumps({"loss": planted, "optimizer_config": "sgd"})
    return folder / "m.h5"


def saved_model(folder: Path) -> Path:
    module = tf.Module()
    module.kernel = tf.Variable(tf.ones((3, 2)))
    spec = tf.TensorSpec((None, 8, 8, 3))
    module.serve = tf.function(lambda x: x[:, 0, 0] @ module.kernel, input_signature=[spec])
    tf.saved_model.save(module, str(folder / "m"), signatures=module.serve)
    return folder / "m"


def in_metadata(folder: Path, planted: Any) -> Path:
    path = saved_model(folder)
    text = json.dumps({"class_name": "Dense", "config": {"inside": planted}})
    message = metadata_class()()
    message.nodes.add(node_path="root", identifier="_tf_keras_layer", metadata=text)
    (path / "keras_metadata.pb").write_bytes(message.SerializeToString())
    return path


def in_object_graph(folder: Path, planted: Any) -> Path:
    path = saved_model(folder)
    message = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    user = message.meta_graphs[0].object_graph_def.nodes[0].user_object
    user.identifier = "_tf_keras_model"
    user.metadata = json.dumps({"training_config": {"loss": planted}})
    (path / "saved_model.pb").write_bytes(message.SerializeToString())
    return path


PLACES: dict[str, Callable[[Path, Any], Path]] = {
    "compile_config.loss": in_archive,
    "config.layers[1].compile_config.loss": nested_in_archive,
    "training_config.loss": in_hdf5,
    "keras_metadata.pb/root.config.inside": in_metadata,
    "object_graph_def/0.training_config.loss": in_object_graph,
}


@pytest.mark.parametrize("place", PLACES)
def test_what_a_loader_runs_is_found_at_its_place(place: str, tmp_path: Path) -> None:
    for number, (planted, reason) in enumerate(HOSTILE.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (found,) = findings(PLACES[place](folder, planted))
        assert found.startswith(place)
        assert reason in found


@pytest.mark.parametrize("place", PLACES)
def test_what_is_somebodys_own_is_noted(place: str, tmp_path: Path) -> None:
    for number, (planted, reason) in enumerate(NOTED.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = examine(PLACES[place](folder, planted), "m")
        assert found.findings == ()
        assert [(note.place, reason in note.reason) for note in found.notes] == [(place, True)]


@pytest.mark.parametrize("place", PLACES)
def test_harmless_objects_are_not_even_noted(place: str, tmp_path: Path) -> None:
    found = examine(PLACES[place](tmp_path, HARMLESS_OBJECTS), "m")
    assert (found.findings, found.notes) == ((), ())


def test_training_config_is_one_text(tmp_path: Path) -> None:
    path = in_hdf5(tmp_path, "mse")
    with h5py.File(path, "r+") as file:
        file.attrs["training_config"] = [json.dumps({"loss": BYTECODE})]
    assert "attribute training_config is not one text" in findings(path)[0]


@pytest.mark.parametrize("loaders", [keras, keras2], ids=["Keras 3", "Keras 2"])
def test_every_layer_that_a_name_can_mean_is_known(loaders: Any) -> None:
    """A new layer of Keras is either one that computes or one that is refused."""
    base = loaders.layers.Layer
    offered = {
        name
        for name, kind in vars(loaders.layers).items()
        if isinstance(kind, type) and issubclass(kind, base)
    }
    if loaders is keras2:
        from tf_keras.src.layers import serialization

        serialization.populate_deserializable_objects()
        offered |= serialization.LOCAL.ALL_OBJECTS.keys()
    spectrograms = {"MelSpectrogram", "STFTSpectrogram"}  # of sound: noted as somebody's own
    assert offered - spectrograms <= HARMLESS | DANGEROUS
    assert not DANGEROUS & (LAYERS | MODELS | HARMLESS)


def lambda_classifier() -> Any:
    made = keras2.Sequential([keras2.Input((8, 8, 3)), keras2.layers.Flatten()])
    made.add(keras2.layers.Dense(2))
    made.add(keras2.layers.Lambda(lambda x: x + 1))
    return made


def test_lambda_that_keras_2_saved_is_found(tmp_path: Path) -> None:
    made = lambda_classifier()
    made.save(tmp_path / "m", save_format="tf")
    assert any("class 'Lambda'" in found for found in findings(tmp_path / "m"))
    (tmp_path / "m" / "keras_metadata.pb").unlink()
    assert findings(tmp_path / "m") == []


COMPILED: list[tuple[str, Any]] = [
    *((name, "mse") for name in "adadelta adafactor adagrad adamax adamw ftrl lion nadam".split()),
    ("rmsprop", "sparse_categorical_crossentropy"),
    ("sgd", "categorical_crossentropy"),
]


@pytest.mark.parametrize(("optimizer", "loss"), COMPILED)
def test_compiled_models_are_clean(optimizer: str, loss: str, tmp_path: Path) -> None:
    made = small_model()
    scheduled = keras.optimizers.get(optimizer)
    scheduled.learning_rate = 0.25
    made.compile(scheduled, loss, metrics=["accuracy", keras.metrics.AUC(), "mae"])
    for name in ("m.keras", "m.h5"):
        made.save(tmp_path / name)
        found = examine(tmp_path / name, name)
        assert (found.findings, found.notes) == ((), ())


def my_loss(wanted: Any, given: Any) -> Any:
    return tf.reduce_mean((wanted - given) ** 2)


def test_what_keras_2_compiles_and_saves_is_clean(tmp_path: Path) -> None:
    schedule = keras2.optimizers.schedules.PolynomialDecay(0.1, 100)
    for number, (optimizer, loss) in enumerate(
        [("adam", my_loss), (keras2.optimizers.SGD(schedule), keras2.losses.Huber())]
    ):
        image = keras2.Input((8, 8, 3))
        x = keras2.layers.Flatten()(tf.transpose(image / 127.5 - 1, (0, 2, 1, 3))[:, 1:])
        made = keras2.Model(image, keras2.layers.Dense(2, activation="softmax")(x))
        metrics = ["accuracy", my_loss, keras2.metrics.TopKCategoricalAccuracy(2)]
        made.compile(optimizer, loss, metrics=metrics)
        made.fit(tf.zeros((2, 8, 8, 3)), tf.zeros((2, 2)), verbose=0)
        made.save(tmp_path / str(number), save_format="tf")
        assert findings(tmp_path / str(number)) == []
        plain = keras2.Sequential([keras2.Input((8, 8, 3)), keras2.layers.Flatten()])
        plain.compile(optimizer, loss, metrics=metrics)
        plain.save(tmp_path / f"{number}.h5")
        assert findings(tmp_path / f"{number}.h5") == []


def test_copy_of_the_metadata_alone_is_looked_at(tmp_path: Path) -> None:
    lambda_classifier().save(tmp_path / "hostile", save_format="tf")
    path = saved_model(tmp_path)
    shutil.copy(tmp_path / "hostile" / "keras_metadata.pb", path)
    assert any("class 'Lambda'" in found for found in findings(path))

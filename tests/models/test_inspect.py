"""Hostile, damaged and harmless model files: all real files, looked at but never loaded."""

import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from auditor.errors import InputError
from auditor.models.inspect import inspect, model_format

keras = pytest.importorskip("keras")
layers = keras.layers


def small_model() -> Any:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(2, activation="softmax", name="head")(x))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small model in both formats; tests work on copies."""
    folder = tmp_path_factory.mktemp("saved")
    model = small_model()
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    return folder


@pytest.fixture
def archive(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(saved / "model.keras", tmp_path))


@pytest.fixture
def hdf5(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(saved / "model.h5", tmp_path))


def rewrite(archive: Path, change: Any) -> None:
    """Apply `change` to the architecture inside a .keras archive."""
    with zipfile.ZipFile(archive) as old:
        members = {name: old.read(name) for name in old.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(archive, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)


def refusal(path: Path, name: str = "suspect") -> str:
    with pytest.raises(InputError) as caught:
        inspect(path, name)
    message = str(caught.value)
    assert message.startswith(name)
    assert "\n" not in message
    return message


def serialised(
    class_name: str, module: str | None = "keras.layers", **config: Any
) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": "planted", **config},
        "registered_name": None,
    }


LAMBDA = serialised("Lambda", function={"class_name": "__lambda__", "config": {"value": "e30="}})
NESTED = serialised("Sequential", "keras", layers=[LAMBDA])


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (LAMBDA, "'Lambda'"),
        (NESTED, "config.layers[1].config.layers[0]: class 'Lambda'"),
        (
            serialised("TimeDistributed", layer=LAMBDA),
            "config.layers[1].config.layer: class 'Lambda'",
        ),
        (serialised("TFSMLayer", filepath="/tmp/x"), "'TFSMLayer'"),
        (serialised("StringLookup", vocabulary="/etc/passwd"), "'StringLookup'"),
        (serialised("system", "os"), "module 'os'"),
        (serialised("Dense", "os", units=2), "module 'os'"),
        (serialised("eval", "builtins"), "'eval'"),
        (serialised("Dense", "keras.initializers", units=2), "'Dense'"),
        (serialised("load_model", "keras.models"), "'load_model'"),
        ({**serialised("Dense", units=2), "registered_name": "pkg>Evil"}, "pkg>Evil"),
        (serialised("MyLayer", "my_package"), "layer 'planted'"),
        (serialised("MyLayer", None), "ONNX"),
        (serialised("Dense", units=2, activation="my_activation"), "'my_activation'"),
        (serialised("Dense", units=2, kernel_initializer="mine"), "'mine'"),
        (serialised("Dense", units=2 * 10**9), "config.layers[1].config.units"),
        (serialised("Dense", units=999_999_999), "config.layers[1].config.units"),
        (serialised("Conv2D", filters=512, kernel_size=[500, 500]), "parameters"),
        (serialised("Embedding", input_dim=10**6, output_dim=10**6), "parameters"),
        ({**serialised("Dense", units=2), "class_name": ["Dense"]}, "must be text"),
        (
            serialised(
                "Dense",
                units=2,
                activation={
                    "module": "builtins",
                    "class_name": "function",
                    "config": "eval",
                    "registered_name": "eval",
                },
            ),
            "function 'eval'",
        ),
        (
            serialised("Dense", units=2, x={"class_name": "__typespec__", "config": []}),
            "__typespec__",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_planted_layer_is_refused(archive: Path, layer: dict[str, Any], reason: str) -> None:
    planted = {"name": "planted", "inbound_nodes": [], **layer}
    rewrite(archive, lambda config: config["config"]["layers"].insert(1, planted))
    assert reason in refusal(archive)


@pytest.mark.parametrize(
    "argument",
    ["some text", ["conv", 0, 0], {"a": ["b"]}, LAMBDA, {"class_name": ["x"]}],
    ids=["text", "list", "nested", "object", "odd class"],
)
def test_strings_and_objects_in_call_arguments_are_refused(archive: Path, argument: Any) -> None:
    def plant(config: Any) -> None:
        config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"]["extra"] = argument

    rewrite(archive, plant)
    assert "config.layers[1].inbound_nodes[0].kwargs.extra" in refusal(archive)


def test_class_names_are_shown_escaped(archive: Path) -> None:
    rewrite(
        archive, lambda config: config["config"]["layers"].insert(1, serialised("\x1b[2J\u202e"))
    )
    assert "\x1b" not in refusal(archive)


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_nesting_is_refused(archive: Path, depth: int) -> None:
    with zipfile.ZipFile(archive) as old:
        weights, metadata = old.read("model.weights.h5"), old.read("metadata.json")
    with zipfile.ZipFile(archive, "w") as new:
        new.writestr("config.json", '{"config": ' + "[" * depth + "]" * depth + "}")
        new.writestr("model.weights.h5", weights)
        new.writestr("metadata.json", metadata)
    assert "nested more than 64 deep" in refusal(archive)


@pytest.mark.parametrize(
    "member", ["config.json", "../evil", "/etc/x", "a\\b", "assets/vocabulary.txt"]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_extra_archive_members_are_refused(archive: Path, member: str) -> None:
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(member, b"{}")
    assert "member" in refusal(archive)


def test_truncated_archive_is_refused(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-3000])
    assert "truncated" in refusal(archive)


def test_damaged_archive_member_is_refused(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[content.index(b'"Conv2D"') + 2] ^= 1
    archive.write_bytes(content)
    assert "damaged" in refusal(archive)


@pytest.mark.parametrize("link", ["external", "soft"])
def test_hdf5_links_are_refused(hdf5: Path, link: str) -> None:
    with h5py.File(hdf5, "r+") as file:
        target = h5py.ExternalLink("/etc/x.h5", "/a") if link == "external" else h5py.SoftLink("/")
        file["model_weights/planted"] = target
    assert "node /model_weights/planted is a soft or external link" in refusal(hdf5)


def test_links_inside_an_archive_are_refused(archive: Path, tmp_path: Path) -> None:
    weights = tmp_path / "model.weights.h5"
    with zipfile.ZipFile(archive) as old:
        members = {name: old.read(name) for name in old.namelist()}
    weights.write_bytes(members["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        file["planted"] = h5py.ExternalLink("/etc/x.h5", "/a")
    members["model.weights.h5"] = weights.read_bytes()
    with zipfile.ZipFile(archive, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    assert "node /planted" in refusal(archive)
    assert not list(tmp_path.glob("tmp*")), "the unpacked weights must be gone"


def test_external_storage_is_refused(hdf5: Path) -> None:
    with h5py.File(hdf5, "r+") as file:
        file.create_dataset("planted", (4,), "f4", external=[("/etc/passwd", 0, 16)])
    assert "/planted keeps its data in another file" in refusal(hdf5)


def test_virtual_dataset_is_refused(hdf5: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (4,))
    with h5py.File(hdf5, "r+") as file:
        file.create_virtual_dataset("planted", layout)
    assert "/planted is virtual" in refusal(hdf5)


@pytest.mark.parametrize("kind", ["filter", "objects", "unwritten", "huge"])
def test_odd_datasets_are_refused(hdf5: Path, kind: str) -> None:
    with h5py.File(hdf5, "r+") as file:
        if kind == "filter":
            file.create_dataset("planted", data=np.zeros(9), fletcher32=True)
        elif kind == "objects":
            file.create_dataset("planted", (2,), h5py.string_dtype())
        elif kind == "unwritten":
            file.create_dataset("planted", (10**8,), "f4", chunks=(1000,))
        else:
            file.create_dataset("planted", (10**11,), "f4", chunks=(1000,))
    assert refusal(hdf5)


def test_weights_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    small_model().save_weights(path)
    assert "no architecture in this file" in refusal(path)


def test_flipped_bytes_never_escape_as_other_errors(hdf5: Path) -> None:
    original, chance = hdf5.read_bytes(), random.Random(7)
    for _ in range(50):
        content = bytearray(original)
        for _ in range(chance.choice([1, 8])):
            content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        hdf5.write_bytes(content)
        try:
            inspect(hdf5, "model.h5")
        except InputError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.keras", b"", "empty"),
        ("a.keras", b"\x89HDF\r\n\x1a\n" + b"\0" * 90, "the content is HDF5"),
        ("a.h5", b"PK\x03\x04", "truncated zip"),
        ("a.bin", b"\x80\x04\x95", "pickle"),
        ("a.onnx", b"\x08\x08\x12\x07pytorch", ".onnx is not supported by this version yet"),
        ("a", b"hello", "unknown kind"),
    ],
)
def test_format_comes_from_the_content(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        model_format(path)


def test_extension_must_agree(archive: Path, hdf5: Path, tmp_path: Path) -> None:
    assert "extension says .h5" in refusal(archive, "model.h5")
    assert "extension says .keras" in refusal(hdf5, "model.keras")
    with pytest.raises(InputError, match="folder"):
        model_format(tmp_path)
    assert (model_format(archive), model_format(hdf5)) == ("keras", "h5")


def test_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.h5")
    assert "not an ordinary file" in refusal(tmp_path / "model.h5")


def test_inspecting_starts_no_framework() -> None:
    program = (
        "import sys, auditor.models.inspect\n"
        "assert not {'keras', 'tensorflow', 'h5py'} & sys.modules.keys()"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_inspection_lists_the_layers(archive: Path, hdf5: Path) -> None:
    for path in (archive, hdf5):
        found = inspect(path, path.name)
        assert ("conv", "Conv2D") in found.layers
        assert found.keras_version == keras.__version__
        assert found.stored >= small_model().count_params()
        assert not found.rewritten


def test_custom_loss_is_ignored(archive: Path) -> None:
    loss = serialised("MyLoss", "mine")
    rewrite(archive, lambda config: config.update(compile_config={"loss": loss}))
    assert not inspect(archive, "suspect").rewritten


@pytest.mark.parametrize(
    ("architecture", "size"),
    [
        ("EfficientNetB0", 32),
        ("ConvNeXtTiny", 32),
        ("MobileNetV3Small", 32),
        ("MobileNetV2", 32),
        ("DenseNet121", 32),
        ("ResNet50V2", 32),
        ("Xception", 71),
    ],
)
def test_ordinary_architectures_pass(tmp_path: Path, architecture: str, size: int) -> None:
    build = getattr(keras.applications, architecture)
    path = tmp_path / "model.keras"
    build(weights=None, input_shape=(size, size, 3), classes=4).save(path)
    assert inspect(path, path.name).layers


def test_operations_and_augmentation_pass(tmp_path: Path) -> None:
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
    found = inspect(path, path.name)
    assert found.rewritten, "the nested compile_config must go"
    assert '"compile_config": {' not in json.dumps(found.config)

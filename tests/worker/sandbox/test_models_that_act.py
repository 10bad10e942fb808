"""Models that act when they are loaded: seen by the static check, and contained without it.

Each is a real file that does what it threatens when both walls are down.
"""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.models.inspect import examine
from auditor.worker import process
from auditor.worker.supervisor import Guard, Supervisor
from tests.worker.sandbox.conftest import COMMAND, needs_the_kernel

keras = pytest.importorskip("keras")
layers = keras.layers


def acting(canary: Path) -> Any:
    """Return a function that leaves a file behind, small enough to be marshalled into a model."""
    code = f"lambda x: (__import__('pathlib').Path({str(canary)!r}).write_text('ran'), x)[1]"
    return eval(code)


def classifier(layer: Any) -> Any:
    image = keras.Input((8, 8, 3))
    scores = layers.Dense(2)(layers.Flatten()(layer(image)))
    return keras.Model(image, scores)


def lambda_(path: Path, canary: Path) -> None:
    classifier(layers.Lambda(acting(canary), output_shape=(8, 8, 3))).save(path)


def nested(path: Path, canary: Path) -> None:
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.ReLU(), layers.Lambda(acting(canary))])
    classifier(keras.Sequential([keras.Input((8, 8, 3)), inner])).save(path)


def wrapped(path: Path, canary: Path) -> None:
    classifier(layers.TimeDistributed(layers.Lambda(acting(canary)))).save(path)


def saved_model(path: Path, canary: Path) -> None:
    """A SavedModel that writes a file while it is loaded (an initializer of a resource)."""
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            table = tf.lookup.StaticVocabularyTable(
                tf.lookup.KeyValueTensorInitializer(["a"], [0], value_dtype=tf.int64), 1
            )
            self.resource = table

        @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3])])
        def __call__(self, x: Any) -> Any:
            return x

    class Writes(tf.lookup.KeyValueTensorInitializer):
        def initialize(self, table: Any) -> Any:
            with tf.control_dependencies([tf.io.write_file(str(canary), "ran")]):
                return super().initialize(table)

    module = Module()
    module.resource = tf.lookup.StaticHashTable(
        Writes(tf.constant(["a"]), tf.constant([0], tf.int64)), -1
    )
    tf.saved_model.save(module, str(path))


def with_saved_model(path: Path, canary: Path) -> None:
    """A TFSMLayer, which names a SavedModel to load and run."""
    import tensorflow as tf

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3])])
        def serve(self, x: Any) -> Any:
            with tf.control_dependencies([tf.io.write_file(str(canary), "ran")]):
                return tf.identity(x)

    folder = path.with_suffix(".saved")
    module = Module()
    tf.saved_model.save(module, str(folder), signatures={"serve": module.serve})
    classifier(layers.TFSMLayer(str(folder), call_endpoint="serve")).save(path)


def vocabulary(path: Path, canary: Path) -> None:
    """A StringLookup, which reads a file of the victim's into the model."""
    image = keras.Input((8,), dtype="string")
    model = keras.Model(image, layers.StringLookup(vocabulary=["a", "b"])(image))
    model.save(path)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1]["config"]["vocabulary"] = str(canary.with_name("secret"))
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)


ACTS: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "lambda.keras": (lambda_, "Lambda"),
    "lambda.h5": (lambda_, "Lambda"),
    "nested.keras": (nested, "Lambda"),
    "wrapped.keras": (wrapped, "Lambda"),
    "wrapped.h5": (wrapped, "Lambda"),
    "saved_model": (saved_model, "WriteFile"),
    "with_saved_model.keras": (with_saved_model, "TFSMLayer"),
    "vocabulary.keras": (vocabulary, "StringLookup"),
}
"""File → how it is made, and what the static check must name."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them, with a folder of canaries beside them."""
    folder = tmp_path_factory.mktemp("acts")
    canaries = folder / "canaries"
    canaries.mkdir()
    (canaries / "secret").write_text("one\ntwo\n")
    for name, (make, _) in ACTS.items():
        make(folder / name, canaries / name)
        (canaries / name).unlink(missing_ok=True)
    return folder


@pytest.mark.parametrize("name", ACTS)
def test_the_static_check_names_it(shelf: Path, name: str) -> None:
    found = examine(shelf / name, name)
    assert any(ACTS[name][1] in finding.reason for finding in found.findings), found.findings
    assert not (shelf / "canaries" / name).exists()


def used(shelf: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Load and use all of them in a worker without the static check."""
    monkeypatch.setattr(process, "COMMAND", COMMAND)
    with Supervisor(guard) as workers:
        kept = workers.scratch()
        copies = {}
        for name in ACTS:
            copies[name] = str(kept / name)
            copy = shutil.copytree if (shelf / name).is_dir() else shutil.copy
            copy(shelf / name, kept / name)
        job = {"kind": "models", "models": copies, "device": "cpu", "data": str(kept)}
        return workers.run(job, workers.scratch(), lambda *_: None)


def left(shelf: Path) -> set[str]:
    """Return the canaries, and take them away."""
    found = {path.name for path in (shelf / "canaries").iterdir()} - {"secret"}
    for name in found:
        (shelf / "canaries" / name).unlink()
    return found


@needs_the_kernel
def test_the_sandbox_contains_it(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = used(shelf, Guard("required"), monkeypatch)
    assert left(shelf) == set()
    assert "used" not in said.values(), said
    assert not said["vocabulary.keras"].startswith("loaded")  # the secret was not read


def test_without_both_walls_it_acts(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two tests above would be worth nothing if it did nothing."""
    said = used(shelf, Guard("off"), monkeypatch)
    assert left(shelf) == set(ACTS) - {"vocabulary.keras"}, said
    assert said["vocabulary.keras"].startswith("loaded")

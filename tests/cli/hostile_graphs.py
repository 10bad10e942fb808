"""Hostile ONNX graphs and SavedModels."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onnx import TensorProto, helper

from tests.cli.hostile_models import Bait, Make, Sample
from tests.models.inspect import test_onnx_graph as onnx_graph
from tests.models.inspect.test_onnx_graph import (
    CUSTOM,
    SPARSE,
    WEIGHTS,
    branch,
    condition,
    function,
    graph,
    model,
    outside,
    planted,
    tensor,
)

TRUE = helper.make_tensor("true", TensorProto.BOOL, [], [True])
FLAG = helper.make_node("Constant", [], ["flag"], "always", value=TRUE)
INNER = helper.make_node("Evil", ["x"], ["inner"], "planted", domain="com.evil")


def onnx(build: Callable[[Bait], Any]) -> Make:
    return lambda path, bait: path.write_bytes(build(bait).SerializeToString())


def cut(keep: int) -> Make:
    return lambda path, bait: path.write_bytes(onnx_graph.FIXTURES[0].read_bytes()[:keep])


def beside(bait: Bait) -> Any:
    """Weights in a file that is really there, in another folder."""
    (bait.elsewhere / "weights.bin").write_bytes(bytes(16))
    return model(initializers=[outside(str(bait.elsewhere / "weights.bin"))])


def training(bait: Bait) -> Any:
    content = model()
    content.training_info.add().algorithm.CopyFrom(graph([CUSTOM], [outside()]))
    return content


ONNX: dict[str, Sample] = {
    "custom domain": ("m.onnx", onnx(lambda b: model([CUSTOM])), ["planted", "'com.evil'"]),
    "custom domain of Microsoft": (
        "m.onnx",
        onnx(lambda b: model([planted("FusedConv", "com.microsoft")])),
        ["planted", "'com.microsoft'"],
    ),
    "custom operator in a branch": (
        "m.onnx",
        onnx(lambda b: model([FLAG, condition(branch(INNER))])),
        ["choice/planted", "'Evil'"],
    ),
    "custom operator in a function": (
        "m.onnx",
        onnx(lambda b: model(functions=[function("Fine", CUSTOM)])),
        ["function pkg.local.Fine/planted", "'Evil'"],
    ),
    "function in place of an operator": (
        "m.onnx",
        onnx(lambda b: model(functions=[function("MatMul", planted("Relu"), domain="")])),
        ["function .MatMul", "redefines"],
    ),
    "EPContext": (
        "m.onnx",
        onnx(lambda b: model([planted("EPContext", "com.microsoft")])),
        ["planted", "'EPContext'"],
    ),
    "unknown operator": (
        "m.onnx",
        onnx(lambda b: model([planted("ReadFile")])),
        ["'ReadFile' is not in opset"],
    ),
    "external data above": (
        "m.onnx",
        onnx(lambda b: model(initializers=[outside("../../../etc/passwd")])),
        ["outside: its numbers are in another file '../../../etc/passwd'"],
    ),
    "external data elsewhere": ("m.onnx", onnx(beside), ["outside", "weights.bin"]),
    "external data of a URL": (
        "m.onnx",
        onnx(lambda b: model(initializers=[outside(b.url)])),
        ["outside: its numbers are in another file 'http://127"],
    ),
    "external data in a constant": (
        "m.onnx",
        onnx(lambda b: model([planted("Constant", value=outside())])),
        ["planted: its numbers are in another file"],
    ),
    "training graph": ("m.onnx", onnx(training), ["training_info"]),
    "huge dimensions": (
        "m.onnx",
        onnx(lambda b: model(initializers=[tensor(dims=[2**20, 2**20])])),
        ["t: declares 1099511627776 numbers"],
    ),
    "negative dimensions": (
        "m.onnx",
        onnx(lambda b: model(initializers=[tensor(dims=[-5])])),
        ["t: impossible dimensions [-5]"],
    ),
    "numbers that are not there": (
        "m.onnx",
        onnx(lambda b: model(initializers=[tensor(dims=[10**8])])),
        ["t: declares 100000000 numbers", "stores 0"],
    ),
    "sparse numbers": (
        "m.onnx",
        onnx(lambda b: model([planted("Constant", sparse_value=SPARSE)])),
        ["planted: sparse"],
    ),
    "two initializers of one name": (
        "m.onnx",
        onnx(lambda b: model(initializers=[WEIGHTS])),
        ["weights: two initializers"],
    ),
    "endless function": (
        "m.onnx",
        onnx(lambda b: model(functions=[function("F", planted("F", "pkg.local"))])),
        ["function pkg.local.F", "calls itself"],
    ),
    "cut ONNX": ("m.onnx", cut(-50), ["m.onnx"]),
    "no graph": ("m.onnx", cut(30), ["m.onnx"]),
    "ONNX called .keras": ("m.keras", cut(100_000), ["m.keras", "the content is ONNX"]),
}


def saved(change: Callable[[Path, Bait], object]) -> Make:
    """Change a harmless SavedModel."""

    def make(path: Path, bait: Bait) -> None:
        shutil.copytree(bait.shelf / "saved", path)
        change(path, bait)

    return make


def acting(name: str) -> Make:
    return lambda path, bait: shutil.copytree(bait.shelf / name, path)


def moved(name: str) -> Callable[[Path, Bait], object]:
    """Leave a symbolic link to where a part now lies."""

    def change(path: Path, bait: Bait) -> None:
        shutil.move(path / name, bait.elsewhere / "part")
        (path / name).symlink_to(bait.elsewhere / "part")

    return change


def written(name: str, content: bytes = b"x") -> Callable[[Path, Bait], object]:
    def change(path: Path, bait: Bait) -> None:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)

    return change


def crowd(path: Path, bait: Bait) -> None:
    for number in range(1001):
        (path / f"x{number}").touch()


def shortened(path: Path, bait: Bait) -> None:
    os.truncate(path / "saved_model.pb", 1000)


def only_text(path: Path, bait: Bait) -> None:
    (path / "saved_model.pb").rename(path / "saved_model.pbtxt")


def deep(path: Path, bait: Bait) -> None:
    (path / "/".join("d" * 200)).mkdir(parents=True)
    written("/".join("d" * 200) + "/x")(path, bait)


SAVED: dict[str, Sample] = {
    "WriteFile in an initializer": (  # beside a table: which comes first is TensorFlow's choice
        "m",
        acting("writes"),
        ["m: function", "is not one that image classifiers compute with"],
    ),
    "ReadFile": ("m", acting("reads"), ["m: function", "'ReadFile'"]),
    "PyFunc": ("m", acting("Python"), ["m: function", "'PyFunc'"]),
    "ReadFile in a branch": ("m", acting("in a branch"), ["m: function", "'ReadFile'"]),
    "RestoreV2 in the model": ("m", acting("restores"), ["RestoreV2", "would read or write"]),
    "without variables": (
        "m",
        saved(lambda path, bait: shutil.rmtree(path / "variables")),
        ["m: no whole variables/ folder"],
    ),
    "without an index": (
        "m",
        saved(lambda path, bait: (path / "variables/variables.index").unlink()),
        ["m: no whole variables/ folder"],
    ),
    "without saved_model.pb": (
        "m",
        saved(lambda path, bait: (path / "saved_model.pb").unlink()),
        ["m", "without saved_model.pb"],
    ),
    "variables a link": ("m", saved(moved("variables")), ["variables", "symbolic link"]),
    "weights a link": (
        "m",
        saved(moved("variables/variables.index")),
        ["variables/variables.index", "symbolic link"],
    ),
    "graph a link": ("m", saved(moved("saved_model.pb")), ["saved_model.pb", "symbolic link"]),
    "link to a file": (
        "m",
        saved(lambda path, bait: (path / "LICENSE").symlink_to("/etc/passwd")),
        ["LICENSE", "symbolic link"],
    ),
    "pipe inside": (
        "m",
        saved(lambda path, bait: os.mkfifo(path / "fingerprint.pipe")),
        ["fingerprint.pipe", "special file"],
    ),
    "file too many": ("m", saved(written("evil.so")), ["evil.so", "does not belong"]),
    "hidden file": ("m", saved(written(".hook")), [".hook", "does not belong"]),
    "asset": ("m", saved(written("assets/vocabulary.txt")), ["assets/vocabulary.txt", "an asset"]),
    "folder in the folder": ("m", saved(written("x/y/z/evil")), ["x: ", "not an ordinary file"]),
    "deep folders": ("m", saved(deep), ["d: ", "not an ordinary file"]),
    "crowd of files": ("m", saved(crowd), ["m", "more than 1000 files"]),
    "name of controls": ("m", saved(written("\x1b[2J\n")), [r"\x1b[2J\n", "does not belong"]),
    "pbtxt": ("m", saved(only_text), ["m", "saved_model.pbtxt", "only saved_model.pb is read"]),
    "empty graph": ("m", saved(written("saved_model.pb", b"")), ["saved_model.pb", "empty"]),
    "cut graph": ("m", saved(shortened), ["saved_model.pb", "copy it again"]),
    "graph alone": (
        "m.pb",
        lambda path, bait: shutil.copy(bait.shelf / "saved/saved_model.pb", path),
        ["m.pb", "the saved_model.pb of a SavedModel"],
    ),
    "SavedModel called .keras": (
        "m.keras",
        saved(lambda *_: None),
        ["the content is a SavedModel"],
    ),
}


def no_classifier(name: str) -> Make:
    return lambda path, bait: shutil.copy(bait.shelf / name, path)


NO_CLASSIFIER: dict[str, Sample] = {
    "two inputs": (
        "m.keras",
        no_classifier("two.keras"),
        ["m.keras: not an image classifier: 2 inputs"],
    ),
    "a quantity": (
        "m.keras",
        no_classifier("quantity.keras"),
        ["m.keras: not an image classifier: it gives one number"],
    ),
    "numbers for images": (
        "m.keras",
        no_classifier("numbers.keras"),
        ["m.keras: not an image classifier: it takes rows of 4 numbers"],
    ),
}


def save_models(folder: Path) -> None:
    """Save the models that the samples are made from."""
    import keras
    import tensorflow as tf
    from keras import layers

    from tests.models.inspect.test_saved_model import ACTS, Planted, Resource

    acts = {name: act for name, (_, act) in ACTS.items()}
    for name in ("saved", "writes", "reads", "Python", "in a branch", "restores"):
        module = Planted(acts[name] if name in acts and name != "writes" else lambda x: x)
        if name == "writes":
            module.resource = Resource()
        tf.saved_model.save(module, str(folder / name), signatures=module.__call__)
    images = [keras.Input((16, 16, 3)), keras.Input((16, 16, 3))]
    flat = layers.Flatten()(layers.Add()(images))
    keras.Model(images, layers.Dense(3)(flat)).save(folder / "two.keras")
    amount = layers.Dense(1, activation="relu")(layers.Flatten()(images[0]))
    keras.Model(images[0], amount).save(folder / "quantity.keras")
    keras.Sequential([keras.Input((4,)), layers.Dense(3)]).save(folder / "numbers.keras")

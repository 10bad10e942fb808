"""Hostile Keras files: architectures that would act or exhaust, archives that lie."""

import base64
import json
import marshal
import shutil
import stat
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import h5py

from tests.cli.conftest import Shelf


@dataclass(frozen=True)
class Bait:
    """What a hostile model is given to go for.

    Attributes:
        shelf: Models to start from.
        elsewhere: A folder that is not the model's.
        canary: A file that is not there as long as nothing was run.
        port: Where somebody on 127.0.0.1 listens.
    """

    shelf: Shelf
    elsewhere: Path
    canary: Path
    port: int

    @property
    def url(self) -> str:
        """Something to download."""
        return f"http://127.0.0.1:{self.port}/x"

    @property
    def source(self) -> str:
        """An expression that leaves the canary and calls the listener."""
        call = f"__import__('socket').create_connection(('127.0.0.1', {self.port}))"
        return f"(open({str(self.canary)!r}, 'w').close(), {call})"


Make = Callable[[Path, Bait], object]
Sample = tuple[str, Make, list[str]]
"""File name, what makes the file, and the words that the refusal must have."""
Plant = Callable[[Bait], dict[str, Any]]


def members(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as old:
        return {name: old.read(name) for name in old.namelist()}


def pack(path: Path, content: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", kind) as new:
        for name, inside in content.items():
            new.writestr(name, inside)


def config_text(edit: Callable[[str], str | bytes]) -> Make:
    """Rewrite the text of the architecture of a .keras model."""

    def make(path: Path, bait: Bait) -> None:
        content = members(bait.shelf / "lambda.keras")
        changed = edit(content["config.json"].decode().replace("Lambda", "ReLU"))
        content["config.json"] = changed if isinstance(changed, bytes) else changed.encode()
        pack(path, content)

    return make


def replaced(plant: Plant) -> Make:
    """Put a layer in the place of one that is called: the second of a .keras or .h5 model."""

    def make(path: Path, bait: Bait) -> None:
        def change(text: str | bytes) -> str:
            config = json.loads(text)
            old, new = config["config"]["layers"][1], plant(bait)
            old |= {**new, "config": {**new["config"], "name": old["config"]["name"]}}
            return json.dumps(config)

        if path.suffix == ".h5":
            shutil.copy(bait.shelf / "poisoned.h5", path)
            with h5py.File(path, "r+") as file:
                file.attrs["model_config"] = change(file.attrs["model_config"])
            return
        content = members(bait.shelf / "lambda.keras")
        content["config.json"] = change(content["config.json"]).encode()
        pack(path, content)

    return make


def layer(kind: Any, module: str | None = "keras.layers", /, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def code_layer(bait: Bait) -> dict[str, Any]:
    """A Lambda that acts, marshalled as Keras 3 does it."""
    code = eval(f"lambda x: ({bait.source}, x)[1]").__code__
    assert isinstance(code, CodeType)
    packed = base64.b64encode(marshal.dumps(code)).decode()
    function = {"code": packed, "defaults": None, "closure": None}
    return layer("Lambda", function={"class_name": "__lambda__", "config": function})


def dense(**config: Any) -> Plant:
    return lambda bait: layer("Dense", **{"units": 3, **config})


def function(name: str, module: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def recurrent(bait: Bait) -> dict[str, Any]:
    return layer("Bidirectional", layer=layer("RNN", cell=code_layer(bait)))


def nested(bait: Bait) -> dict[str, Any]:
    inner = layer("Sequential", "keras", name="inner", layers=[code_layer(bait)])
    return layer("Sequential", "keras", name="outer", layers=[inner])


def called_with(extra: Plant) -> Make:
    """The way around safe_mode: an object, or a text that names one, among a call's arguments."""

    def make(path: Path, bait: Bait) -> None:
        content = members(bait.shelf / "clean.keras")
        config = json.loads(content["config.json"])
        config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"]["extra"] = extra(bait)
        content["config.json"] = json.dumps(config).encode()
        pack(path, content)

    return make


def keras_sample(words: list[str], plant: Plant, suffix: str = "keras") -> Sample:
    return f"m.{suffix}", replaced(plant), ["config.layers[1]", *words]


def downloads(bait: Bait) -> dict[str, Any]:
    return layer("get_file", "keras.utils", fname="x", origin=bait.url)


def tfsm(where: Callable[[Bait], str]) -> Plant:
    return lambda bait: layer("TFSMLayer", filepath=where(bait), call_endpoint="serve")


PLANTED: dict[str, Sample] = {
    "Lambda": keras_sample(["'Lambda'", "'lambda'", "ONNX"], code_layer),
    "Lambda in .h5": keras_sample(["'Lambda'"], code_layer, "h5"),
    "Lambda in nested Sequentials": keras_sample(["layers[0].config.layers[0]"], nested),
    "Lambda in TimeDistributed": keras_sample(
        ["config.layer: class 'Lambda'"], lambda b: layer("TimeDistributed", layer=code_layer(b))
    ),
    "Lambda as the cell of an RNN": keras_sample(["cell: class 'Lambda'"], recurrent),
    "Lambda as activation": keras_sample(
        ["activation: class 'Lambda'"], lambda b: dense(activation=code_layer(b))(b)
    ),
    "Lambda as initializer, .h5": keras_sample(
        ["kernel_initializer: class 'Lambda'"],
        lambda b: dense(kernel_initializer=code_layer(b))(b),
        "h5",
    ),
    "code as activation": keras_sample(
        ['activation "lambda x:'], lambda b: dense(activation=f"lambda x: {b.source}")(b)
    ),
    "Lambda by its whole name": keras_sample(
        ["lambda_layer"],
        lambda b: {**code_layer(b), "module": "keras.src.layers.core.lambda_layer"},
    ),
    "Lambda with a blank": keras_sample(
        ["'Lambda '"], lambda b: {**code_layer(b), "class_name": "Lambda "}
    ),
    "TFSMLayer": keras_sample(["'TFSMLayer'"], tfsm(lambda b: str(b.elsewhere))),
    "TFSMLayer, .h5": keras_sample(["'TFSMLayer'"], tfsm(lambda b: str(b.elsewhere)), "h5"),
    "TFSMLayer of a URL": keras_sample(["'TFSMLayer'"], tfsm(lambda b: b.url)),
    "StringLookup": keras_sample(
        ["'StringLookup'"], lambda b: layer("StringLookup", vocabulary="/etc/passwd")
    ),
    "IntegerLookup of a URL": keras_sample(
        ["'IntegerLookup'"], lambda b: layer("IntegerLookup", vocabulary=b.url)
    ),
    "TextVectorization": keras_sample(
        ["'TextVectorization'"], lambda b: layer("TextVectorization", vocabulary="/etc/passwd")
    ),
    "TorchModuleWrapper": keras_sample(
        ["'TorchModuleWrapper'"], lambda b: layer("TorchModuleWrapper", pickled="gASV")
    ),
    "module os": keras_sample(["module 'os'"], lambda b: layer("system", "os", command="id")),
    "module os, .h5": keras_sample(["module 'os'"], lambda b: layer("system", "os"), "h5"),
    "eval": keras_sample(["'eval'"], lambda b: layer("eval", "builtins", source=b.source)),
    "eval as activation": keras_sample(
        ["activation: function 'eval'"], dense(activation=function("eval", "builtins"))
    ),
    "exec as initializer": keras_sample(
        ["function 'exec'"], dense(bias_initializer=function("exec", "builtins"))
    ),
    "load_model": keras_sample(
        ["'load_model'"], lambda b: layer("load_model", "keras.models", filepath=b.url)
    ),
    "get_file": keras_sample(["'get_file'", "keras.utils"], downloads),
    "unsafe deserialization": keras_sample(
        ["'enable_unsafe_deserialization'"],
        lambda b: layer("enable_unsafe_deserialization", "keras.config"),
    ),
    "unregistered layer": keras_sample(
        ["'MyLayer'", "layer 'lambda'", "ONNX"], lambda b: layer("MyLayer", "mine")
    ),
    "unregistered layer, .h5": keras_sample(
        ["'MyLayer'", "layer 'first'", "ONNX"], lambda b: layer("MyLayer", None), "h5"
    ),
    "registered name": keras_sample(
        ["'pkg>Lambda'"], lambda b: {**dense()(b), "registered_name": "pkg>Lambda"}
    ),
    "registered Lambda": keras_sample(
        ["registered_name 'Lambda'"], lambda b: {**dense()(b), "registered_name": "Lambda"}
    ),
    "class name that is a list": keras_sample(
        ["must be text"], lambda b: {**dense()(b), "class_name": ["Dense"]}
    ),
    "class name of controls": keras_sample(
        [r"\x1b[2J", r"\u202e"], lambda b: layer("\x1b[2J\u202e\n\nbdaudit: fine")
    ),
    "two billion units": keras_sample(["units", "2000000000"], dense(units=2_000_000_000)),
    "2e9 units, .h5": keras_sample(["units", "2000000000.0"], dense(units=2e9), "h5"),
    "endless units": keras_sample(["units", "more than"], dense(units=float("inf"))),
    "many weights": (
        "m.keras",
        replaced(dense(units=999_999, activation="relu", kernel_size=[900, 900])),
        ["m.keras: config", "parameters"],
    ),
    "Lambda among call arguments": (
        "m.keras",
        called_with(code_layer),
        ["config.layers[1].inbound_nodes[0].kwargs.extra", "'Lambda'"],
    ),
    "text among call arguments": (
        "m.keras",
        called_with(lambda b: {"fn": b.source}),
        ["config.layers[1].inbound_nodes[0].kwargs.extra.fn", "the text"],
    ),
}


def twice(text: str) -> str:
    return text.replace('"class_name": "ReLU"', '"class_name": "Lambda", "class_name": "ReLU"')


def archive(change: Callable[[dict[str, bytes], Bait], object], kind: int = 0) -> Make:
    """Change the members of a .keras model."""

    def make(path: Path, bait: Bait) -> None:
        content = members(bait.shelf / "clean.keras")
        change(content, bait)
        pack(path, content, kind)

    return make


def with_member(name: str, mode: int = stat.S_IFREG) -> Make:
    """Add a member, even one whose name is taken."""

    def make(path: Path, bait: Bait) -> None:
        shutil.copy(bait.shelf / "clean.keras", path)
        info = zipfile.ZipInfo(name)
        info.external_attr = (mode | 0o755) << 16
        with zipfile.ZipFile(path, "a") as file, warnings.catch_warnings(action="ignore"):
            file.writestr(info, members(path).get(name, b"/etc/passwd"))

    return make


def linked(path: Path, bait: Bait) -> None:
    content = members(bait.shelf / "clean.keras")
    config = content.pop("config.json")
    pack(path, content)
    info = zipfile.ZipInfo("config.json")
    info.external_attr = (stat.S_IFLNK | 0o755) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(info, config)


def weights_linked(content: dict[str, bytes], bait: Bait) -> None:
    weights = bait.elsewhere / "weights.h5"
    weights.write_bytes(content["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        file["planted"] = h5py.ExternalLink("/etc/passwd", "/")
    content["model.weights.h5"] = weights.read_bytes()


def encrypted(path: Path, bait: Bait) -> None:
    content = bytearray((bait.shelf / "clean.keras").read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def behind_a_script(path: Path, bait: Bait) -> None:
    path.write_bytes(b"#!/bin/sh\nid\n" + (bait.shelf / "clean.keras").read_bytes())
    path.chmod(0o755)


def bomb(content: dict[str, bytes], bait: Bait) -> None:
    content["config.json"] += b" " * 60_000_000


ARCHIVES: dict[str, Sample] = {
    "a key twice": ("m.keras", config_text(twice), ["m.keras: config", "'class_name'", "twice"]),
    "deep JSON": (
        "m.keras",
        config_text(lambda text: text[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        ["m.keras", "nested more than 64 deep"],
    ),
    "long JSON": (
        "m.keras",
        config_text(lambda text: text[:-1] + ', "x": [' + "[]," * 1_000_000 + "0]}"),
        ["m.keras", "more than 2000000 values"],
    ),
    "long number": (
        "m.keras",
        config_text(lambda text: text.replace('"name"', f'"units": {"9" * 9999}, "name"', 1)),
        ["m.keras", "digits"],
    ),
    "JSON in UTF-16": ("m.keras", config_text(lambda t: t.encode("utf-16")), ["is not JSON"]),
    "a list for an architecture": ("m.keras", config_text(lambda t: "[]"), ["not a JSON object"]),
    "a text for an architecture": ("m.keras", config_text(lambda t: '"x"'), ["not a JSON object"]),
    "two config.json": ("m.keras", with_member("config.json"), ["'config.json'", "more than once"]),
    "member outside": ("m.keras", with_member("../../evil.py"), ["'../../evil.py'", "not belong"]),
    "member at the root": ("m.keras", with_member("/etc/evil"), ["'/etc/evil'", "not belong"]),
    "assets": ("m.keras", with_member("assets/vocabulary.txt"), ["'assets/vocabulary.txt'"]),
    "link as member": ("m.keras", with_member("x.h5", stat.S_IFLNK), ["member 'x.h5'"]),
    "config.json a link": ("m.keras", linked, ["member 'config.json'", "no ordinary file"]),
    "zip bomb": ("m.keras", archive(bomb, zipfile.ZIP_DEFLATED), ["member", "compressed"]),
    "encrypted": ("m.keras", encrypted, ["encrypted"]),
    "behind a script": ("m.keras", behind_a_script, ["m.keras", "unknown kind"]),
    "link in the weights": ("m.keras", archive(weights_linked), ["model.weights.h5/planted"]),
    "old metadata": (
        "m.keras",
        archive(lambda c, b: c.update({"metadata.json": b'{"keras_version": "2.15.0"}'})),
        ["m.keras", "Keras 2.15.0", "ONNX"],
    ),
}

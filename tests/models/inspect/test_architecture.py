"""Architectures that ask Keras for more than layers: real files, looked at but never loaded."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from auditor.models.inspect.inspection import MOST_FINDINGS
from tests.models.inspect.conftest import (
    findings,
    members,
    pack,
    plant,
    refusal,
    rewrite,
    rewrite_h5,
    serialised,
)

LAMBDA = serialised("Lambda", function={"class_name": "__lambda__", "config": {"value": "e30="}})
NESTED = serialised("Sequential", "keras", layers=[LAMBDA])
LOOKUP = serialised("StringLookup", vocabulary="/etc/passwd")
EVAL = {
    "module": "builtins",
    "class_name": "function",
    "config": "eval",
    "registered_name": "eval",
}
HUGE_KERNEL = [10**4000, 10**4000]


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (LAMBDA, "'Lambda'"),
        (NESTED, "config.layers[1].config.layers[0]: class 'Lambda'"),
        (
            serialised("TimeDistributed", layer=LAMBDA),
            "config.layers[1].config.layer: class 'Lambda'",
        ),
        (
            serialised("Bidirectional", layer=serialised("LSTM", units=2), backward_layer=LAMBDA),
            "config.layers[1].config.backward_layer: class 'Lambda'",
        ),
        (serialised("RNN", cell=LAMBDA), "config.layers[1].config.cell: class 'Lambda'"),
        (serialised("TFSMLayer", filepath="/tmp/x"), "'TFSMLayer'"),
        (LOOKUP, "'StringLookup'"),
        (serialised("system", "os"), "module 'os'"),
        (serialised("Dense", "os", units=2), "module 'os'"),
        (serialised("eval", "builtins"), "'eval'"),
        (serialised("Dense", "keras.initializers", units=2), "'Dense'"),
        (serialised("load_model", "keras.models"), "'load_model'"),
        ({**serialised("Dense", units=2), "registered_name": "pkg>Evil"}, "pkg>Evil"),
        (serialised("MyLayer", "my_package"), "layer 'planted'"),
        (serialised("MyLayer", None), "ONNX"),
        (serialised("Dense", units=2, activation="my_activation"), "'my_activation'"),
        (serialised("Dense", units=2, activation=EVAL), "function 'eval'"),
        (serialised("Dense", units=2, kernel_initializer="mine"), "'mine'"),
        (serialised("Dense", units=2, dtype="/etc/passwd"), "config.layers[1].config.dtype"),
        (serialised("RNN", cell="deserialize"), "text 'deserialize'"),
        (serialised("Dense", units=2, name="x" * 501), "more than 500 characters"),
        (serialised("Dense", units=2 * 10**9), "config.layers[1].config.units"),
        (serialised("Dense", units=2e9), "config.layers[1].config.units"),
        (serialised("Dense", units=10**4000), "more than 30 digits"),
        (serialised("ZeroPadding2D", padding=[[0, 10**9], [0, 0]]), "padding[0][1]"),
        (serialised("Conv2D", filters=1, kernel_size=HUGE_KERNEL), "kernel_size"),
        (serialised("Conv2D", filters=512, kernel_size=[500, 500]), "config: the architecture"),
        (serialised("InputLayer", batch_shape=[None, 90_000, 90_000, 3]), "batch_shape"),
        (serialised("Embedding", input_dim=10**6, output_dim=10**6), "parameters"),
        ({**serialised("Dense", units=2), "class_name": ["Dense"]}, "must be text"),
        ({**serialised("Dense"), "config": None}, "without a config object"),
        (
            serialised("Dense", units=2, x={"class_name": "__typespec__", "config": []}),
            "__typespec__",
        ),
        (
            {**serialised("Dense", units=2), "build_config": {"input_shape": [None, 2**40]}},
            "build_config.input_shape",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_planted_layer_is_refused(archive: Path, layer: dict[str, Any], reason: str) -> None:
    plant(archive, layer)
    assert reason in refusal(archive)


def test_everything_refused_is_told_at_once(archive: Path) -> None:
    plant(archive, LAMBDA, NESTED, LOOKUP, serialised("Dense", units=10**9, activation="mine"))
    places = [finding.partition(": ")[0] for finding in findings(archive)]
    assert places == [
        "config.layers[1]",
        "config.layers[2].config.layers[0]",
        "config.layers[3]",
        "config.layers[4].config.units",
        "config.layers[4].config.activation",
    ]
    assert "(and 4 more: see 'bdaudit inspect')" in refusal(archive)


def test_more_would_tell_nobody_more(archive: Path) -> None:
    plant(archive, *[LAMBDA] * 300)
    assert len(findings(archive)) == MOST_FINDINGS


@pytest.mark.parametrize(
    "argument",
    [
        "some text",
        ["conv", 0, 0],
        {"a": ["b"]},
        LAMBDA,
        {"class_name": ["x"]},
        {"class_name": "__tuple__", "items": [LAMBDA]},
        {"class_name": "__keras_tensor__", "config": {"keras_history": ["conv", 0, 0, LAMBDA]}},
        {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "object"}},
    ],
    ids=["text", "list", "nested", "object", "odd class", "tuple", "history", "dtype"],
)
def test_strings_and_objects_in_call_arguments_are_refused(archive: Path, argument: Any) -> None:
    def change(config: Any) -> None:
        config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"]["extra"] = argument

    rewrite(archive, change)
    assert "config.layers[1].inbound_nodes[0].kwargs.extra" in refusal(archive)


def test_nothing_hides_beside_the_content_of_a_value(hdf5: Path) -> None:
    """Of HDF5, Keras makes a tuple of `items` whatever `config` says, and builds what is in it.

    StringLookup would read a file here; with TFSMLayer, code in a SavedModel would run.
    """
    hiding = {"class_name": "__tuple__", "config": 0, "items": [LOOKUP]}

    def change(config: Any) -> None:
        config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"]["extra"] = hiding

    rewrite_h5(hdf5, change)
    assert "inbound_nodes[0].kwargs.extra" in refusal(hdf5)


def test_layers_in_a_tuple_are_refused(hdf5: Path) -> None:
    hiding = {"class_name": "__tuple__", "items": [LOOKUP]}
    rewrite_h5(hdf5, lambda config: config["config"].update(layers=hiding))
    assert "'StringLookup'" in refusal(hdf5)


def test_keys_that_stand_twice_are_refused(archive: Path) -> None:
    """Readers disagree on which one counts; one that takes the first would call this clean."""
    content = members(archive)
    twice = b'"class_name": "Conv2D", "class_name": "Conv2D"'
    content["config.json"] = content["config.json"].replace(b'"class_name": "Conv2D"', twice)
    pack(archive, content)
    assert findings(archive) == [
        "config: the key 'class_name' stands twice in one object; Keras does not"
    ]


def test_layers_said_to_be_shared_are_counted_where_keras_builds_each(hdf5: Path) -> None:
    """An .h5 file has no shared objects: Keras would allocate 60 times what one layer needs."""
    one = {
        "class_name": "Conv2D",
        "config": {"name": "x", "filters": 1000, "kernel_size": [30, 30]},
        "shared_object_id": 1,
    }
    rewrite_h5(hdf5, lambda config: config["config"]["layers"].extend([one] * 60))
    assert "needs at least 5.4e+07 parameters" in refusal(hdf5)


def test_a_shared_id_hides_no_other_layer(archive: Path) -> None:
    small = {**serialised("Conv2D", filters=1, kernel_size=[2, 2]), "shared_object_id": 7}
    large = {**serialised("Conv2D", filters=900, kernel_size=[900, 900]), "shared_object_id": 7}
    plant(archive, small, large)
    assert "parameters but the file stores" in refusal(archive)


def test_class_names_are_shown_escaped(archive: Path) -> None:
    plant(archive, serialised("\x1b[2J\u202e"))
    assert "\x1b" not in refusal(archive)


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_nesting_is_refused(archive: Path, depth: int) -> None:
    nested = '{"config": ' + "[" * depth + "]" * depth + "}"
    pack(archive, members(archive) | {"config.json": nested.encode()})
    assert "nested more than 64 deep" in refusal(archive)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[]", "not a JSON object"),
        (b'{"config": ', "not JSON"),
        (b'{"config": ' + b"1" * 5000 + b"}", "not JSON"),
        ('{"class_name": "Sequential"}'.encode("utf-16"), "not JSON"),
        (b'{"config": [' + b"[]," * 1_000_000 + b"0]}", "more than 2000000 values"),
    ],
    ids=["list", "cut", "long number", "utf-16", "many values"],
)
def test_what_is_no_architecture_is_told(archive: Path, text: bytes, reason: str) -> None:
    pack(archive, members(archive) | {"config.json": text})
    assert reason in refusal(archive)


LONG = "k" * 1_000_000
COSTLY: dict[str, list[dict[str, Any]]] = {
    "layers": [serialised("ReLU", name=str(number)) for number in range(20_001)],
    "refused layers": [serialised("Bad") for _ in range(20_000)],
    "numbers": [serialised("Normalization", mean=[0.5] * 1_000_000, variance="x")],
    "texts": [serialised("Dense", units=["x"] * 1_000_000)],
    "long keys": [serialised("Dense", **{LONG: [0] * 500_000, "units": 1e9})],
    "long names": [serialised("\u202e" * 100_000) for _ in range(100)],
    "calls": [{**serialised("ReLU"), "inbound_nodes": [{"args": ["x"] * 1_000_000}]}],
}


@pytest.mark.parametrize("kind", COSTLY)
def test_large_architectures_are_answered_in_seconds(archive: Path, kind: str) -> None:
    """Unbounded, paths made of long keys or a million findings take minutes or gigabytes."""
    content = members(archive)
    model = serialised("Sequential", "keras", layers=COSTLY[kind])
    pack(archive, content | {"config.json": json.dumps(model, ensure_ascii=False).encode()})
    start = time.process_time()
    assert refusal(archive)
    assert time.process_time() - start < 15

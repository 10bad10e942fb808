"""TFLite files, harmless and hostile: written by TensorFlow, changed by its schema; none loaded."""

import copy
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import InputError
from auditor.models.inspect.flatbuffer import MAX_PARTS
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.recognise import model_format
from auditor.models.inspect.tflite import inspect_tflite
from auditor.models.inspect.tflite_ops import CUSTOM, OPERATORS, QUANTIZED, REFUSED
from auditor.models.inspect.tflite_ports import tflite_ports

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
schema = pytest.importorskip("tensorflow.lite.python.schema_py_generated")
utilities = pytest.importorskip("tensorflow.lite.tools.flatbuffer_utils")
layers = keras.layers


def classifier() -> Any:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = layers.Flatten()(layers.MaxPooling2D()(layers.DepthwiseConv2D(3)(x)))
    return keras.Model(image, layers.Dense(2, activation="softmax", name="head")(x))


def converted(model: Any, set_up: Callable[[Any], None] = lambda converter: None) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    set_up(converter)
    return bytes(converter.convert())


@pytest.fixture(scope="module")
def saved() -> bytes:
    return converted(classifier())


def look(content: bytes, folder: Path) -> Inspection:
    (folder / "model.tflite").write_bytes(content)
    return inspect_tflite(folder / "model.tflite", "suspect")


def reasons(found: Inspection) -> str:
    return "\n".join(f"{finding.place}: {finding.reason}" for finding in found.findings)


def damage(content: bytes, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        look(content, folder)
    message = str(caught.value)
    assert message.startswith("suspect: ")
    assert "\n" not in message
    return message


def rewritten(content: bytes, change: Callable[[Any], object]) -> bytes:
    model = utilities.convert_bytearray_to_object(bytearray(content))
    change(model)
    return bytes(utilities.convert_object_to_bytearray(model))


def test_what_tensorflow_converts_is_clean_and_told(saved: bytes, tmp_path: Path) -> None:
    found = look(saved, tmp_path)
    assert found.findings == ()
    assert found.format == "tflite"
    assert found.written_by.startswith("MLIR Converted, for TFLite 1.")
    operators = [op for _, op in found.layers]
    assert operators[:3] == ["CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D"]
    assert operators[-1] == "SOFTMAX"
    # All weights but biases of zero, and a handful of numbers that say how to reshape.
    assert abs(found.stored - classifier().count_params()) < 20
    assert model_format(tmp_path / "model.tflite") == "tflite"


def test_half_precision_is_clean(tmp_path: Path) -> None:
    def halves(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]

    found = look(converted(classifier(), halves), tmp_path)
    assert found.findings == ()
    assert "DEQUANTIZE" in {op for _, op in found.layers}


@pytest.mark.parametrize("calibrated", [False, True])
def test_quantized_models_are_refused_once_with_the_way_out(
    calibrated: bool, tmp_path: Path
) -> None:
    def quantized(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if calibrated:
            converter.representative_dataset = lambda: [[tf.random.uniform((1, 8, 8, 3))]]

    image = keras.Input((8, 8, 3))
    wide = keras.Model(image, layers.Dense(64)(layers.Dense(64)(layers.Flatten()(image))))
    found = look(converted(wide, quantized), tmp_path)
    assert reasons(found).count("a quantized model (int8); convert the model again without") == 1


def test_tables_of_numbers_are_those_of_the_schema() -> None:
    for number, name in {**OPERATORS, **REFUSED, CUSTOM: "CUSTOM"}.items():
        assert getattr(schema.BuiltinOperator, name) == number
    for number, name in QUANTIZED.items():
        assert getattr(schema.TensorType, name.upper()) == number
    assert not OPERATORS.keys() & REFUSED.keys()


def code(number: int, custom: str | None = None) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        entry = model.operatorCodes[0]
        entry.builtinCode, entry.deprecatedBuiltinCode = number, min(number, 127)
        entry.customCode = custom

    return change


def tensor(**values: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        for key, value in values.items():
            setattr(model.subgraphs[0].tensors[0], key, value)

    return change


def second_graph(model: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def numbers_elsewhere(model: Any) -> None:
    model.buffers[1].offset, model.buffers[1].size = 4096, 64


def scale_alone(model: Any) -> None:
    how = schema.QuantizationParametersT()
    how.scale, how.zeroPoint = [0.5], [3]
    model.subgraphs[0].tensors[0].quantization = how


def write_over_a_weight(model: Any) -> None:
    graph = model.subgraphs[0]
    stored = next(
        i for i, t in enumerate(graph.tensors) if model.buffers[t.buffer].data is not None
    )
    graph.operators[0].outputs = [stored]


def large_options(model: Any) -> None:
    model.subgraphs[0].operators[0].largeCustomOptionsOffset = 99


def custom_options(model: Any) -> None:
    model.subgraphs[0].operators[0].customOptions = [1, 2, 3]


def newer(model: Any) -> None:
    model.version = 4


def share_the_largest(model: Any) -> None:
    graph = model.subgraphs[0]
    largest = max(range(len(model.buffers)), key=lambda i: len(_data(model.buffers[i])))
    model.buffers[largest].data = [0] * 2**20
    for entry in [t for t in graph.tensors if len(_data(model.buffers[t.buffer]))][:9]:
        entry.buffer, entry.shape = largest, [2**18]


def _data(buffer: Any) -> Any:
    return [] if buffer.data is None else buffer.data


CHANGES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "custom": ("operator 'Evil' is none of TFLite's own", code(32, "Evil")),
    "Flex": (
        "operator 'FlexReadFile' is TensorFlow's, which TFLite runs",
        code(32, "FlexReadFile"),
    ),
    "branches": ("operator IF is not one that image classifiers compute with", code(118)),
    "loops": ("operator WHILE is not one", code(119)),
    "calls": ("operator CALL_ONCE is not one", code(129)),
    "variables": ("operator VAR_HANDLE is not one", code(142)),
    "tables": ("operator HASHTABLE is not one", code(136)),
    "quantizing": ("operator QUANTIZE is not one", code(114)),
    "unknown": ("operator number 173 is not one", code(173)),
    "from the future": ("operator number 9999 is not one", code(9999)),
    "text": ("of type 5, where numbers", tensor(type=5)),
    "a resource": ("of type 13, where numbers", tensor(type=13)),
    "huge": ("numbers; save the model", tensor(shape=[2**20, 2**20])),
    "a variable": ("a variable, or a sparse or variant tensor", tensor(isVariable=True)),
    "sparse": ("a variable, or a sparse", tensor(sparsity=schema.SparsityParametersT())),
    "two graphs": ("subgraphs: more than one, for loops and branches", second_graph),
    "external_files": ("buffer 1: numbers outside of the model", numbers_elsewhere),
    "a scale": ("a quantized model (with a scale)", scale_alone),
    "overwritten": ("writes over a stored tensor", write_over_a_weight),
    "large options": ("options that only other operators have", large_options),
    "custom options": ("options that only other operators have", custom_options),
    "another version": ("version: 4, where 3 is known", newer),
    "shared": ("bytes of numbers in a file of", share_the_largest),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_is_not_known_to_be_harmless_is_refused(
    kind: str, saved: bytes, tmp_path: Path
) -> None:
    reason, change = CHANGES[kind]
    assert reason in reasons(look(rewritten(saved, change), tmp_path))


@pytest.mark.parametrize("ends", ["inputs", "outputs"])
def test_signature_gives_what_the_graph_gives(ends: str, saved: bytes, tmp_path: Path) -> None:
    """`get_signature_runner` answers with its tensors, `get_tensor` with the graph's."""

    def change(model: Any) -> None:
        (signature,) = model.signatureDefs
        getattr(signature, ends)[0].tensorIndex += 1

    found = reasons(look(rewritten(saved, change), tmp_path))
    assert "signature_defs: takes or gives other tensors than the graph does" in found


@pytest.fixture(scope="module")
def of_two() -> bytes:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Flatten()(image)
    return converted(
        keras.Model(image, {"a": layers.Dense(2)(x), "b": layers.Dense(3)(x)}, name="two")
    )


def named_otherwise(content: bytes, names: dict[str, str]) -> bytes:
    """Give the tensors of a signature's outputs other names; `names` has them by the output's."""

    def act(model: Any) -> None:
        for end in model.signatureDefs[0].outputs:
            tensor = model.subgraphs[0].tensors[end.tensorIndex]
            tensor.name = names[end.name.decode()].encode()

    return rewritten(content, act)


def test_an_output_is_called_as_its_signature_calls_it(of_two: bytes, tmp_path: Path) -> None:
    assert not look(of_two, tmp_path).findings
    path = tmp_path / "model.tflite"
    assert {name: shape[1] for name, shape in tflite_ports(path)["outputs"]} == {"a": 2, "b": 3}
    assert not look(named_otherwise(of_two, {"a": "a", "b": "b"}), tmp_path).findings
    crossed = look(named_otherwise(of_two, {"a": "b", "b": "a"}), tmp_path)
    assert "a name is that of one output in a signature, and of another" in reasons(crossed)
    crossed = look(named_otherwise(of_two, {"a": "x", "b": "a"}), tmp_path)
    assert "a name is that of one output in a signature, and of another" in reasons(crossed)


def test_two_signatures_are_of_the_same_names(of_two: bytes, tmp_path: Path) -> None:
    def act(model: Any) -> None:
        second = copy.deepcopy(model.signatureDefs[0])
        second.signatureKey = b"another"
        first, last = second.outputs
        first.name, last.name = last.name, first.name
        model.signatureDefs.append(second)

    assert "or in another signature" in reasons(look(rewritten(of_two, act), tmp_path))


def test_stored_bytes_must_be_those_of_the_shape(saved: bytes, tmp_path: Path) -> None:
    def short(model: Any) -> None:
        model.buffers[next(i for i, b in enumerate(model.buffers) if len(_data(b)) > 8)].data = [0]

    assert "1 bytes stored for" in reasons(look(rewritten(saved, short), tmp_path))


def point(part: str, value: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        if part in ("inputs", "outputs"):
            setattr(graph, part, [value])
        elif part == "opcode":
            graph.operators[0].opcodeIndex = value
        elif part == "buffer":
            graph.tensors[0].buffer = value
        elif part == "note":
            model.metadata[0].buffer = value
        else:
            setattr(graph.operators[0], part.removeprefix("operator "), [value])

    return change


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("inputs", 999, "a tensor that does not exist"),
        ("outputs", -1, "a tensor that does not exist"),
        ("operator inputs", -2, "a tensor that does not exist"),
        ("operator outputs", -1, "a tensor that does not exist"),
        ("opcode", 999, "an operator without its name"),
        ("buffer", 999, "a tensor without its buffer"),
        ("note", 999, "a note without its buffer"),
    ],
)
def test_indices_that_lead_nowhere(
    part: str, value: int, reason: str, saved: bytes, tmp_path: Path
) -> None:
    assert reason in damage(rewritten(saved, point(part, value)), tmp_path)


def test_operator_of_two_numbers(saved: bytes, tmp_path: Path) -> None:
    def change(model: Any) -> None:
        model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode = 3, 32

    assert "an operator of two numbers" in damage(rewritten(saved, change), tmp_path)


def test_dimensions_that_cannot_be(saved: bytes, tmp_path: Path) -> None:
    for shape in ([-5, 3], [1] * 9):
        assert "impossible dimensions" in damage(rewritten(saved, tensor(shape=shape)), tmp_path)


def test_file_without_a_graph(saved: bytes, tmp_path: Path) -> None:
    def empty(model: Any) -> None:
        model.subgraphs = []

    assert "no graph in this file" in damage(rewritten(saved, empty), tmp_path)
    assert "0 bytes, where" in damage(b"", tmp_path)
    assert "damaged or not a TFLite model" in damage(b"\x1c\0\0\0TFL3", tmp_path)


def test_truncated_files_are_one_line(saved: bytes, tmp_path: Path) -> None:
    for size in range(0, len(saved) - 1, 97):
        try:
            look(saved[:size], tmp_path)
        except InputError as error:
            assert "\n" not in str(error)
    assert "damaged" in damage(saved[: len(saved) // 2], tmp_path)


def test_flipped_bytes_are_one_line_or_read(saved: bytes, tmp_path: Path) -> None:
    chance = random.Random(0)
    refused = 0
    for _ in range(600):
        content = bytearray(saved)
        for _ in range(chance.choice((1, 1, 4))):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        try:
            found = look(bytes(content), tmp_path)
            assert all("\n" not in line.reason for line in found.findings)
        except InputError as error:
            refused += 1
            assert str(error).startswith("suspect: ")
            assert "\n" not in str(error)
    assert refused > 50


def test_offsets_may_be_lies(saved: bytes, tmp_path: Path) -> None:
    """Words of the file in turn become huge, negative or zero: all of it ends in one line."""
    chance = random.Random(1)
    for at in chance.sample(range(8, len(saved) - 4, 4), 200):
        for value in (0xFFFFFFFF, 0x7FFFFFFF, 0):
            content = bytearray(saved)
            struct.pack_into("<I", content, at, value)
            try:
                look(bytes(content), tmp_path)
            except InputError as error:
                assert "\n" not in str(error)


def crafted(*tables: bytes) -> bytes:
    """Begin a file whose root has a vector of buffers that starts where `tables` do."""
    vtable = struct.pack("<HHHHHHH", 14, 8, 0, 0, 0, 0, 4)
    root_at = 8 + len(vtable) + 2
    table = struct.pack("<iI", root_at - 8, 4)
    return struct.pack("<I4s", root_at, b"TFL3") + vtable + b"\0\0" + table + b"".join(tables)


def test_vector_larger_than_the_file(tmp_path: Path) -> None:
    assert "a vector leads out of the file" in damage(
        crafted(struct.pack("<I", 2**30)) + b"\0" * 64, tmp_path
    )


def test_one_table_again_and_again_is_counted_each_time(tmp_path: Path) -> None:
    """Small files may point to the same part again and again; what is read is counted."""
    count = MAX_PARTS + 10
    start = len(crafted()) + 4
    table_at = start + 4 * count
    entries = struct.pack(f"<{count}I", *(table_at - (start + 4 * i) for i in range(count)))
    table = struct.pack("<iHH", -4, 4, 4)  # its vtable, of no fields, comes right behind it
    content = crafted(struct.pack("<I", count), entries, table)
    assert f"made of more than {MAX_PARTS} parts" in damage(content, tmp_path)

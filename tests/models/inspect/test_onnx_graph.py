"""ONNX files, harmless and hostile: all real files, none run."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from auditor.errors import InputError
from auditor.models.inspect import examine, inspect, protobuf
from auditor.models.inspect.inspection import MOST_FINDINGS

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.onnx"))
WEIGHTS = numpy_helper.from_array(np.ones((3, 2), "float32"), "weights")


def value(name: str, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def graph(nodes: Iterable[Any] = (), initializers: Iterable[Any] = (), **more: Any) -> Any:
    """A classifier of three numbers, with further nodes and initializers."""
    head = helper.make_node("MatMul", ["x", "weights"], ["y"], "head")
    x, y = value("x", "batch", 3), value("y", "batch", 2)
    return helper.make_graph([head, *nodes], "graph", [x], [y], [WEIGHTS, *initializers], **more)


def model(nodes: Iterable[Any] = (), initializers: Iterable[Any] = (), **more: Any) -> Any:
    opsets = more.pop("opset_imports", [helper.make_opsetid("", 18)])
    whole = graph(nodes, initializers)
    return helper.make_model(whole, opset_imports=opsets, producer_name="tester", **more)


def branch(*nodes: Any, **more: Any) -> Any:
    return helper.make_graph([*nodes], "branch", [], [value("inner", 1)], **more)


def condition(then: Any) -> Any:
    nothing = branch(helper.make_node("Constant", [], ["inner"], value_float=1.0))
    return helper.make_node(
        "If", ["flag"], ["chosen"], "choice", then_branch=then, else_branch=nothing
    )


def loop(body: Any) -> Any:
    return helper.make_node("Loop", ["", "flag"], ["looped"], "loop", body=body)


def planted(op: str, domain: str = "", **attributes: Any) -> Any:
    return helper.make_node(op, ["x"], ["p"], "planted", domain=domain, **attributes)


def outside(location: str = "../../etc/passwd") -> Any:
    """A tensor whose numbers are in another file."""
    tensor = TensorProto(name="outside", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def tensor(**fields: Any) -> Any:
    return TensorProto(**{"name": "t", "data_type": TensorProto.FLOAT, **fields})


def function(name: str, *nodes: Any, domain: str = "pkg.local", **more: Any) -> Any:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("pkg.local", 1)]
    return helper.make_function(domain, name, ["x"], ["p"], [*nodes], opsets, **more)


def reasons(path: Path, content: Any) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    found = examine(path, "suspect.onnx").findings
    return "\n".join(f"{finding.place}: {finding.reason}" for finding in found)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_what_pytorch_exports_is_clean(fixture: Path) -> None:
    found = inspect(fixture, fixture.name)
    whole = onnx.load(fixture)
    assert found.format == "onnx"
    assert found.written_by.startswith("pytorch 2.")
    assert "opset" in found.written_by
    assert [op for _, op in found.layers] == [node.op_type for node in whole.graph.node]
    assert found.stored >= sum(int(np.prod(t.dims)) for t in whole.graph.initializer)


def test_there_are_fixtures_of_both_exporters() -> None:
    kinds = {fixture.stem.split("_")[0] for fixture in FIXTURES}
    assert kinds == {"torchscript", "dynamo"}


@pytest.mark.parametrize("small", ["pooled", "gated"])
def test_what_tf2onnx_writes_is_clean(small: str, path: Path) -> None:
    keras, tf2onnx = pytest.importorskip("keras"), pytest.importorskip("tf2onnx")
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu6")(image)
    if small == "pooled":
        x = layers.MaxPooling2D()(layers.BatchNormalization()(layers.ZeroPadding2D()(x)))
    else:
        gate = layers.GlobalAveragePooling2D(keepdims=True)(layers.DepthwiseConv2D(3)(x))
        x = layers.UpSampling2D()(x * layers.Activation("hard_sigmoid")(gate))
    x = layers.LayerNormalization()(layers.Flatten()(x))
    whole = keras.Model(image, layers.Dense(2, activation="softmax")(x))
    tf2onnx.convert.from_keras(whole, opset=18, output_path=str(path))
    found = inspect(path, path.name)
    assert found.written_by.startswith("tf2onnx")
    assert found.stored >= 100


def test_local_functions_are_walked_and_fine(path: Path) -> None:
    inner = function("Inner", planted("Relu"))
    slope = helper.make_node("LeakyRelu", ["x"], ["q"], "leaky")
    slope.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    outer = function("Outer", planted("Inner", "pkg.local"), slope, attributes=["slope"])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("pkg.local", 1)]
    use = planted("Outer", "pkg.local", slope=0.5)
    assert not reasons(path, model([use], functions=[inner, outer], opset_imports=opsets))
    names = {name for name, _ in inspect(path, "m.onnx").layers}
    assert "function pkg.local.Outer/leaky" in names


def test_both_spellings_of_the_standard_domain_and_the_ml_domain(path: Path) -> None:
    opsets = [helper.make_opsetid("ai.onnx", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    nodes = [planted("Relu", "ai.onnx"), planted("Scaler", "ai.onnx.ml", scale=[1.0])]
    nodes[1].output[0] = "q"
    assert not reasons(path, model(nodes, opset_imports=opsets))


CUSTOM = planted("Evil", "com.evil")
SPARSE = onnx.SparseTensorProto(values=outside(), dims=[10**6, 10**6])
RELU = planted("Relu")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (model([CUSTOM]), ["planted: operator 'Evil' of 'com.evil'"]),
        (model([planted("FusedConv", "com.microsoft")]), ["'com.microsoft'"]),
        (model([planted("EPContext", "com.microsoft")]), ["compiled for one device"]),
        (model([planted("NoSuchOp")]), ["'NoSuchOp' is not in opset 18"]),
        (model([planted("Upsample")]), ["'Upsample' is not in opset 18"]),
        (model([planted("a\u202e\n")]), [r"a\u202e\n"]),
        (model([condition(branch(CUSTOM))]), ["choice/planted: operator 'Evil'"]),
        (model([loop(branch(condition(branch(CUSTOM))))]), ["loop/choice/planted"]),
        (model(functions=[function("Unused", CUSTOM)]), ["function pkg.local.Unused/planted"]),
        (model(functions=[function("Relu", RELU, domain="")]), ["redefines"]),
        (model(functions=[function("F", RELU)] * 2), ["two functions of one name"]),
        (model(functions=[function("F", planted("F", "pkg.local"))]), ["calls itself"]),
        (model(initializers=[outside()]), ["outside: its numbers are in another file", "passwd"]),
        (model([planted("Constant", value=outside())]), ["planted: its numbers are in another"]),
        (model([condition(branch(initializer=[outside()]))]), ["choice/outside: its numbers"]),
        (
            model(functions=[function("F", planted("Constant", value=outside()))]),
            ["function pkg.local.F/planted: its numbers"],
        ),
        (model([planted("Constant", sparse_value=SPARSE)]), ["planted: sparse"]),
        (model(opset_imports=[]), ["does not say which opset"]),
        (model(opset_imports=[helper.make_opsetid("", 99)]), ["opset 99 of ai.onnx"]),
        (model(opset_imports=[helper.make_opsetid("", -1)]), ["opset -1 of ai.onnx"]),
        (model(opset_imports=[helper.make_opsetid("", 18)] * 2), ["imported twice"]),
        (model(ir_version=999), ["ir_version: 999"]),
        (model(initializers=[WEIGHTS]), ["weights: two initializers"]),
        (model(initializers=[tensor(dims=[-1])]), ["impossible dimensions [-1]"]),
        (model(initializers=[tensor(dims=[2**62])]), ["impossible dimensions"]),
        (model(initializers=[tensor(dims=[2**20, 2**20])]), ["declares 1099511627776 numbers"]),
        (model(initializers=[tensor(dims=[1] * 99)]), ["impossible dimensions"]),
        (model(initializers=[tensor(dims=[10**6])]), ["stores 0 entries"]),
        (model(initializers=[tensor(dims=[2], raw_data=b"1234567")]), ["8 bytes", "7 bytes"]),
        (
            model(initializers=[tensor(dims=[1], raw_data=b"1234", float_data=[1])]),
            ["also in float_data"],
        ),
        (model(initializers=[tensor(dims=[1], data_type=77)]), ["number type 77"]),
        (
            model(initializers=[tensor(data_type=TensorProto.STRING, string_data=[b""] * 9)]),
            ["holds text"],
        ),
    ],
)
def test_refused(path: Path, content: Any, words: list[str]) -> None:
    found = reasons(path, content)
    for word in words:
        assert word in found


def twice(node: Any, **again: Any) -> Any:
    """A node with an attribute once more."""
    node.attribute.extend(helper.make_attribute(name, value) for name, value in again.items())
    return node


def inside(*nodes: Any, **more: Any) -> Any:
    """A model whose function has these nodes."""
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("pkg.local", 1)]
    use = planted("Own", "pkg.local")
    return model([use], functions=[function("Own", *nodes, **more)], opset_imports=opsets)


def renamed(node: Any, output: str) -> Any:
    node.output[0] = output
    return node


def stored(*dims: int, kind: int = TensorProto.FLOAT, name: str = "x") -> Any:
    return helper.make_tensor(name, kind, dims, [0] * int(np.prod(dims)))


AMBIGUOUS = {
    "an attribute twice": (
        model([twice(planted("LeakyRelu", alpha=0.1), alpha=0.9)]),
        "planted: has the attribute 'alpha' twice",
    ),
    "an attribute twice in a function": (
        inside(twice(planted("LeakyRelu", alpha=0.1), alpha=0.9)),
        "function pkg.local.Own/planted: has the attribute 'alpha' twice",
    ),
    "a function's attribute twice": (
        inside(planted("Relu"), attributes=["a", "a"]),
        "function pkg.local.Own: has an attribute twice",
    ),
    "an attribute of no operator": (
        model([planted("Relu", alpha=0.1)]),
        "planted: attribute 'alpha' is none of operator 'Relu'",
    ),
    "an attribute of another type": (
        model([planted("LeakyRelu", alpha=1)]),
        "planted: attribute 'alpha' of operator 'LeakyRelu' is of another type than ONNX says",
    ),
    "an output made twice": (
        model([planted("Relu"), planted("Neg")]),
        "planted: p: is made twice",
    ),
    "the result made once more": (
        model([renamed(planted("Relu"), "y")]),
        "planted: y: is made twice",
    ),
    "an output with the name of the input": (
        model([renamed(planted("Relu"), "x")]),
        "planted: x: is made twice",
    ),
    "an output with the name of a weight": (
        model([renamed(planted("Relu"), "weights")]),
        "planted: weights: is made twice",
    ),
    "one output twice at one node": (
        model([helper.make_node("Split", ["x"], ["a", "a"], "planted", num_outputs=2, axis=1)]),
        "planted: a: is made twice",
    ),
    "read, and made from it": (
        model(
            [
                helper.make_node("Relu", ["q"], ["p"], "early"),
                helper.make_node("Relu", ["p"], ["q"], "late"),
            ]
        ),
        "early: q: is read, and nothing before makes it",
    ),
    "made in a function twice": (
        inside(planted("Relu"), planted("Neg")),
        "function pkg.local.Own/planted: p: is made twice",
    ),
    "a function's input made again": (
        inside(renamed(planted("Relu"), "x"), planted("Neg")),
        "function pkg.local.Own/planted: x: is made twice",
    ),
    "a function that reads the graph's names": (
        inside(helper.make_node("MatMul", ["x", "weights"], ["p"], "planted")),
        "function pkg.local.Own/planted: weights: is read, and nothing before makes it",
    ),
    "a function without its output": (
        inside(renamed(planted("Relu"), "q")),
        "function pkg.local.Own/p: is an output, and nothing makes it",
    ),
    "a name of the graph around, made in a subgraph": (
        model([condition(branch(renamed(planted("Relu"), "y"), planted("Relu")))]),
        "choice/planted: y: is the name of something in the graph around",
    ),
    "a weight of the graph around, stored in a subgraph": (
        model([condition(branch(planted("Relu"), initializer=[stored(3, 2, name="weights")]))]),
        "choice/weights: is the name of something in the graph around",
    ),
    "an input stored in another shape": (
        model([], [stored(1, 4)]),
        "x: is stored in another type or shape than the input of this name",
    ),
    "an input stored in another type": (
        model([], [stored(1, 3, kind=TensorProto.INT64)]),
        "x: is stored in another type or shape than the input of this name",
    ),
    "one domain for two opsets": (
        model(opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx", 7)]),
        "opset_import: domain '' is imported twice",
    ),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_programs_read_differently_is_refused_with_its_place(path: Path, name: str) -> None:
    content, words = AMBIGUOUS[name]
    told = reasons(path, content).splitlines()
    assert any(line.startswith(f"{words}; export the model again") for line in told), told


def test_weights_that_are_listed_as_inputs_are_fine(path: Path) -> None:
    whole = model()
    whole.graph.input.append(value("weights", 3, 2))
    assert not reasons(path, whole)


def test_training_graph_is_refused(path: Path) -> None:
    content = model()
    content.training_info.add().algorithm.CopyFrom(graph([CUSTOM], [outside()]))
    assert "training_info" in reasons(path, content)


def test_sparse_initializer_is_refused(path: Path) -> None:
    content = model()
    content.graph.sparse_initializer.add().CopyFrom(SPARSE)
    assert "outside: sparse" in reasons(path, content)


def test_reference_outside_a_function_is_refused(path: Path) -> None:
    node = planted("LeakyRelu")
    node.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    assert "refers to 'slope'" in reasons(path, model([node]))
    assert "refers to 'slope'" in reasons(path, model(functions=[function("F", node)]))


def test_an_attribute_is_looked_at_whatever_its_type_says(path: Path) -> None:
    node = planted("Relu")
    node.attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT, g=branch(CUSTOM))
    assert "planted/planted: operator 'Evil'" in reasons(path, model([node]))


def test_graphs_may_not_be_nested_without_end(path: Path) -> None:
    inner = branch(RELU)
    for _ in range(20):
        inner = branch(condition(inner))
    assert "16 deep" in reasons(path, model([condition(inner)]))


def test_few_functions_may_not_become_a_billion_nodes(path: Path) -> None:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("pkg.local", 1)]
    doubled = [function("F0", RELU, RELU)]
    for index in range(30):
        below = planted(f"F{index}", "pkg.local")
        doubled.append(function(f"F{index + 1}", below, below))
    content = model([planted("F30", "pkg.local")], functions=doubled, opset_imports=opsets)
    assert "become more than" in reasons(path, content)


def test_many_findings_are_enough(path: Path) -> None:
    reasons(path, model([CUSTOM] * 300))
    assert len(examine(path, "m.onnx").findings) == MOST_FINDINGS


@pytest.mark.parametrize("broken", [b"\xff\xfe", b"a\xc3"])
@pytest.mark.parametrize("name", ["planted", ""])
def test_names_that_are_no_text_are_refused(path: Path, broken: bytes, name: str) -> None:
    node = helper.make_node("Relu", ["x"], ["the output"], name)
    content = model([node]).SerializeToString()
    old = (name or "the output").encode()
    assert "not UTF-8" in reasons(path, content.replace(old, broken.ljust(len(old), b"_")))


def test_initializers_whose_names_are_no_text_are_refused(path: Path) -> None:
    content = model(initializers=[tensor(name="bias", dims=[0])]).SerializeToString()
    assert "not UTF-8" in reasons(path, content.replace(b"bias", b"\xff\xfe__"))


def test_nameless_nodes_are_counted(path: Path) -> None:
    assert "node 1: operator 'Evil'" in reasons(
        path, model([helper.make_node("Evil", ["x"], [], domain="com.evil")])
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (model().SerializeToString()[:-40], "copy it again|no graph"),
        (b"\x08\x0a\x12\x07pytorch", "no graph"),
        (b"\x08\x0a\x3a\x7f", "copy it again"),
        (b"\x08\x0a" + b"\x3a\x00" * 50, "no graph"),
    ],
)
def test_damage_is_told_in_one_line(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        examine(path, "model.onnx")
    assert "\n" not in str(caught.value)


def test_a_file_of_nothing_but_parts_is_not_parsed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protobuf, "_MAX_FIELDS", 100_000)
    nodes = b"\x0a\x00" * 5_000_000  # 10 MB, of which protobuf would make 700 MB
    size = len(nodes)
    length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21])
    path.write_bytes(b"\x08\x0a\x3a" + length + nodes)
    with pytest.raises(InputError, match="more than 100000 parts"):
        examine(path, "model.onnx")


def test_a_large_honest_file_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf, "_COUNTED_FROM", 0)
    for fixture in FIXTURES:
        assert examine(fixture, fixture.name).findings == ()
    monkeypatch.setattr(protobuf, "_MAX_FIELDS", 50)
    with pytest.raises(InputError, match="more than 50 parts"):
        examine(FIXTURES[0], "model.onnx")


@pytest.mark.parametrize("fixture", FIXTURES[::3], ids=lambda path: path.stem)
def test_any_byte_changed_is_refused_or_harmless(fixture: Path, path: Path) -> None:
    whole, chance = fixture.read_bytes(), random.Random(0)
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 1, 20))):
            content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        path.write_bytes(content)
        try:
            examine(path, "model.onnx")
        except InputError as error:
            assert "\n" not in str(error)

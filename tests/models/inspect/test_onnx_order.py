"""Graphs whose nodes are in no order in which they can run: sorted, as ONNX Runtime does it."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from auditor.models.inspect import examine
from auditor.models.inspect.onnx_order import put_in_order
from auditor.models.inspect.ports import ports
from tests.models.inspect.test_onnx_graph import branch, condition, function, model, reasons
from tests.models.onnx.graphs import CLASSIFIER, built, images, saved


def node(reads: str, makes: str, **more: Any) -> Any:
    return helper.make_node("Relu", [reads], [makes], f"{reads}_{makes}", **more)


def reversed_nodes(nodes: Any) -> None:
    turned = [onnx.NodeProto.FromString(node.SerializeToString()) for node in reversed(nodes)]
    del nodes[:]
    nodes.extend(turned)


def made(nodes: Any) -> list[str]:
    return [name for node in nodes for name in node.output]


def test_what_is_in_order_stays_as_it_is() -> None:
    whole = model([node("x", "b"), node("x", "a"), node("b", "c")])
    before = whole.SerializeToString(deterministic=True)
    put_in_order(whole)
    assert whole.SerializeToString(deterministic=True) == before


def test_as_few_as_possible_move() -> None:
    whole = model([node("c", "d"), node("x", "a"), node("b", "c"), node("x", "b")])
    put_in_order(whole)
    assert made(whole.graph.node) == ["y", "a", "b", "c", "d"]


def test_what_a_graph_inside_reads_of_the_one_around_is_made_before() -> None:
    inside = branch(node("between", "inner"), node("later", "between"))
    whole = model([condition(inside), node("x", "later"), node("x", "flag")])
    put_in_order(whole)
    assert made(whole.graph.node) == ["y", "later", "flag", "chosen"]
    (then,) = (a.g for a in whole.graph.node[-1].attribute if a.name == "then_branch")
    assert made(then.node) == ["between", "inner"]


def test_functions_are_sorted_too() -> None:
    whole = model(functions=[function("f", node("a", "p"), node("x", "a"))])
    put_in_order(whole)
    assert made(whole.functions[0].node) == ["a", "p"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.onnx"


def test_any_order_of_a_sound_graph_is_accepted(path: Path) -> None:
    whole = built(CLASSIFIER)
    saved(whole, path)
    found = examine(path, "m.onnx")
    inside = ports(path, found, "m.onnx")
    reversed_nodes(whole.graph.node)
    saved(whole, path)
    turned = examine(path, "m.onnx")
    assert not turned.findings
    assert turned.layers == found.layers
    assert ports(path, turned, "m.onnx") == inside
    assert inside.spatial


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([node("b", "a"), node("a", "b")], "nothing before makes it"),
        ([node("a", "a")], "nothing before makes it"),
        ([node("nowhere", "a")], "nothing before makes it"),
        ([node("a", "b"), node("x", "a"), node("y", "a")], "a: is made twice"),
        ([condition(branch(node("chosen", "inner"))), node("x", "flag")], "nothing before makes"),
    ],
    ids=["circle", "itself", "nothing", "twice", "circle through a graph inside"],
)
def test_what_no_order_mends_is_refused(path: Path, nodes: Any, reason: str) -> None:
    assert reason in reasons(path, model(nodes))


def test_what_two_graphs_inside_make_under_one_name_is_theirs(path: Path) -> None:
    first, second = (condition(branch(node("x", "inner"))) for _ in range(2))
    second.name, second.output[0] = "other", "other"
    assert reasons(path, model([second, first, node("x", "flag")])) == ""


def test_names_that_are_no_text_are_refused_in_any_order(path: Path) -> None:
    content = model([node("late", "end"), node("x", "late")]).SerializeToString()
    assert "not UTF-8" in reasons(path, content.replace(b"x_late", b"\xff\xfe__te"))


def test_onnx_runtime_gives_the_same_of_both_orders() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")

    def run(whole: onnx.ModelProto) -> Any:
        session = onnxruntime.InferenceSession(
            whole.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        return session.run(None, {"x": images(3)})[0]

    whole = built(CLASSIFIER)
    expected = run(whole)
    reversed_nodes(whole.graph.node)
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(whole)
    np.testing.assert_array_equal(run(whole), expected)
    put_in_order(whole)
    onnx.checker.check_model(whole)
    np.testing.assert_array_equal(run(whole), expected)

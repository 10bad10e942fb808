"""What counts as the same model: unit cases of the comparison itself."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from auditor.models.to_onnx.check import Unfaithful, check, difference, images

INFINITE = float("inf")


@pytest.mark.parametrize(
    ("wanted", "found", "gap"),
    [
        ([[1.0, -4.0]], [[1.0, -4.0]], 0),
        ([[1.0, -4.0]], [[1.0, -4.4]], 0.1),
        ([[np.nan, 2.0]], [[np.nan, 2.0]], 0),
        ([[np.nan, 2.0]], [[1.0, 2.0]], INFINITE),
        ([[np.inf, 2.0]], [[np.inf, 2.0]], 0),
        ([[np.inf, 2.0]], [[-np.inf, 2.0]], INFINITE),
        ([[0.0, 0.0]], [[0.0, 1e-9]], INFINITE),
        ([[1.0, 2.0]], [[1.0, 2.0], [1.0, 2.0]], INFINITE),
        ([[1.0, 2.0]], [[1.0, 2.0, 3.0]], INFINITE),
        # Probabilities that look alike come from scores of -20 and -22: a tenth of 22 apart.
        ([[1.0, np.exp(-20.0)]], [[1.0, np.exp(-22.0)]], 0.1),
        ([[1.0, 1e-35]], [[1.0, 0.0]], 1e-35),
    ],
)
def test_difference(wanted: list[list[float]], found: list[list[float]], gap: float) -> None:
    assert difference(np.array(wanted), np.array(found)) == pytest.approx(gap, rel=1e-6)


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (1, 8, 8, 3), (4, 8, 8, 1), (0, 200, 200, 3)])
def test_images_are_of_many_ranges_and_always_the_same(shape: tuple[int, ...]) -> None:
    made = images(shape)
    assert made.shape[1:] == shape[1:]
    assert made.dtype == np.float32
    assert len(made) % max(shape[0], 1) == 0
    assert made.max() == 255
    assert 0 < np.median(made[0]) < 1
    np.testing.assert_array_equal(made, images(shape))


def graph(*nodes: tuple[str, str]) -> object:
    names = ["images", *(f"t{i}" for i in range(len(nodes) - 1)), "scores"]
    made = [
        helper.make_node(op, [names[i]], [names[i + 1]], domain=domain)
        for i, (op, domain) in enumerate(nodes)
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 8, 8, 3])
        for name in ("images", "scores")
    ]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    return helper.make_model(helper.make_graph(made, "g", ends[:1], ends[1:]), opset_imports=opsets)


def test_every_unknown_operator_is_named() -> None:
    made = graph(("Relu", ""), ("Erfc", ""), ("Magic", ""), ("Relu", "own"))
    with pytest.raises(Unfaithful, match="as ONNX: Erfc, Magic, Relu$"):
        check(made, np.tanh, (0, 8, 8, 3), 1e-4)


def test_graph_that_is_not_valid_or_not_the_model() -> None:
    check(graph(("Tanh", "")), np.tanh, (0, 8, 8, 3), 1e-4)
    with pytest.raises(Unfaithful, match="differ by 2 of the largest, 0.0001 is allowed"):
        check(graph(("Tanh", "")), np.sin, (0, 8, 8, 3), 1e-4)
    cut = graph(("Tanh", ""))
    cut.graph.node[0].input[0] = "elsewhere"
    with pytest.raises(Unfaithful, match="not valid ONNX: "):
        check(cut, np.tanh, (0, 8, 8, 3), 1e-4)

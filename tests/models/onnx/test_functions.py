"""Functions of a file's own: what their bodies say is computed, whatever they are called."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from auditor.errors import InputError
from auditor.models.onnx.file import load
from tests.models.onnx.graphs import CLASSIFIER, built, images, saved

LOCAL = CLASSIFIER.replace('"" : 17]', '"" : 17, "pkg.local" : 1]')
CALL = "pkg.local.Relu (normal)"


def function(body: str, name: str = "Relu", opset: int = 17, takes: str = "") -> str:
    domains = f'"" : {opset}, "pkg.local" : 1'
    return (
        f'<domain: "pkg.local", opset_import: [{domains}]> {name} {takes} (a) => (b) {{ {body} }}'
    )


NEG, INNER = "b = Neg (a)", "c = Relu (a) b = pkg.local.Inner (c)"
LEAKY = "b = LeakyRelu <alpha : float = @alpha> (a)"

WRITTEN_OUT = {
    "the name of an operator": (CALL, [function(NEG)], "Neg (normal)"),
    "one in another": (
        CALL,
        [function(INNER), function(NEG, "Inner")],
        "Relu (normal) active = Neg (kept)",
    ),
    "an attribute": (
        CALL.replace(" (", " <alpha = 0.5> ("),
        [function(LEAKY, takes="<alpha>")],
        "LeakyRelu <alpha = 0.5> (normal)",
    ),
    "an attribute's default": (
        CALL,
        [function(LEAKY, takes="<alpha : float = 0.5>")],
        "LeakyRelu <alpha = 0.5> (normal)",
    ),
    "a default that is not taken": (
        CALL.replace(" (", " <alpha = 0.25> ("),
        [function(LEAKY, takes="<alpha : float = 0.5>")],
        "LeakyRelu <alpha = 0.25> (normal)",
    ),
    "a default inside another": (
        CALL,
        [
            function("b = pkg.local.Inner (a)"),
            function(LEAKY, "Inner", takes="<alpha : float = 0.5>"),
        ],
        "LeakyRelu <alpha = 0.5> (normal)",
    ),
    "the graph's own names inside": (
        CALL,
        [function("features = Neg (a) b = Sub (features, a)")],
        "Neg (normal) active = Sub (kept, normal)",
    ),
}


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_the_body_is_computed(name: str, tmp_path: Path) -> None:
    call, bodies, same_as = WRITTEN_OUT[name]
    texts = LOCAL.replace("Relu (normal)", call) + "".join(bodies), plainly(same_as)
    found, expected = (scores(text, tmp_path) for text in texts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(expected - scores(CLASSIFIER, tmp_path)).max() > 0.01


@pytest.mark.parametrize("overload", ["", "one"])
def test_of_two_functions_of_one_name_the_one_that_is_called(overload: str, tmp_path: Path) -> None:
    model = built(LOCAL.replace("Relu (normal)", CALL) + function(NEG))
    model.functions.add().CopyFrom(model.functions[0])
    model.functions[1].overload = "one"
    model.functions[1].node[0].op_type = "Abs"
    model.ir_version = 10
    (call,) = (node for node in model.graph.node if node.domain == "pkg.local")
    call.overload = overload
    onnx.checker.check_model(model)
    expected = scores(plainly("Abs (normal)" if overload else "Neg (normal)"), tmp_path)
    found = loaded(model, tmp_path)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


REFUSED = {
    "another opset": [function(NEG, opset=13)],
    "another opset inside": [function(INNER), function(NEG, "Inner", opset=13)],
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_for_another_opset_is_not_run_as_the_operator_of_its_name(
    name: str, tmp_path: Path
) -> None:
    model = built(LOCAL.replace("Relu (normal)", CALL) + "".join(REFUSED[name]))
    which = "Inner" if "inside" in name else "Relu"
    words = rf"^m\.onnx: function pkg\.local\.{which} is written for opset 13 .* graph for 17; "
    with pytest.raises(InputError, match=words):
        loaded(model, tmp_path)


def test_an_operator_of_another_domain_is_named_with_it(tmp_path: Path) -> None:
    model = onnx.parser.parse_model(LOCAL.replace("Relu (normal)", CALL))
    with pytest.raises(InputError, match=r"not supported: pkg\.local\.Relu; "):
        loaded(model, tmp_path)


def plainly(operator: str) -> str:
    """Return the classifier with ONNX' own operators in the function's place."""
    first = "kept" if "kept" in operator else "active"
    return CLASSIFIER.replace("active = Relu (normal)", f"{first} = {operator}")


def scores(text: str, tmp_path: Path) -> np.ndarray:
    return loaded(built(text), tmp_path)


def loaded(model: onnx.ModelProto, tmp_path: Path) -> np.ndarray:
    opened = load(saved(model, tmp_path / "m.onnx"), "m.onnx", (8, 8))
    return np.asarray(opened(images(3).transpose(0, 2, 3, 1)))

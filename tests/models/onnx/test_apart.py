"""Graphs that look at other images of the batch, or count them, are refused whatever they hide."""

from pathlib import Path

import numpy as np
import pytest

from auditor.errors import InputError
from auditor.models.onnx.across import unknown
from auditor.models.onnx.file import load
from auditor.models.onnx.operators import HOST_ONLY, OPERATORS
from tests.models.onnx.graphs import CLASSIFIER, DENSE, built, saved

SIZE = (8, 8)
NUMBERS = {
    "none": np.array([0], np.int64),
    "nil": np.array(0, np.int64),
    "one": np.array(1, np.int64),
    "less": np.array([-1], np.int64),
    "many": np.array(32, np.int64),
    "end": np.array([1], np.int64),
    "share": np.array(1 / 32, np.float32),
    "huge": np.array(2**59, np.int64),
    "far": np.array(1e9, np.float32),
}

COUNT = "dims = Shape (x) n = Gather <axis=0> (dims, nil) "


def ended(tail: str) -> str:
    """Return the classifier's text, more done to its logits."""
    return CLASSIFIER.replace(DENSE, DENSE.replace("y =", "logits =") + " " + tail)


def gated(gate: str) -> str:
    """Return the classifier's text, its logits times a gate that is 1 on random images."""
    return ended(f"{gate} y = Add (logits, gate)")


HIDDEN = {
    "equal": COUNT + "is = Equal (n, many) gate = Cast <to=1> (is)",
    "less": COUNT + "is = Less (n, many) gate = Cast <to=1> (is)",
    "arithmetic": COUNT + "s = Sub (n, many) c = Cast <to=1> (s) gate = Relu (c)",
    "quotient": COUNT + "q = Div (n, many) gate = Cast <to=1> (q)",
    "rounded": COUNT + "f = Cast <to=1> (n) q = Mul (f, share) c = Floor (q) gate = Relu (c)",
    "cast": COUNT + "f = Cast <to=1> (n) q = Mul (f, share) i = Cast <to=7> (q) "
    "gate = Cast <to=1> (i)",
    "begins_anew": COUNT + "i = Cast <to=2> (n) z = Cast <to=7> (i) is = Equal (z, nil) "
    "gate = Cast <to=1> (is)",
    "overflow": COUNT + "p = Mul (n, huge) q = Div (p, huge) is = Equal (q, nil) "
    "gate = Cast <to=1> (is)",
    "range": COUNT + "r = Range (nil, n, one) c = Cast <to=1> (r) s = ReduceMax <keepdims=0> (c) "
    "e = Sub (s, far) gate = Relu (e)",
    "ones": COUNT + "d = Unsqueeze (n, none) o = ConstantOfShape (d) s = ReduceSum (o) "
    "e = Sub (s, far) gate = Relu (e)",
    "mean": "h = Sub (logits, far) hot = Relu (h) gate = ReduceMean <axes=[0]> (hot)",
    "softmax": "h = Sub (logits, far) hot = Relu (h) s = Softmax <axis=0> (hot) "
    "t = Greater (s, far) gate = Cast <to=1> (t)",
    "cumsum": "h = Sub (logits, far) hot = Relu (h) gate = CumSum (hot, nil)",
    "first": "h = Sub (logits, far) hot = Relu (h) gate = Slice (hot, none, end, none)",
    "gather": "h = Sub (logits, far) hot = Relu (h) gate = Gather <axis=0> (hot, none)",
    "flattened": "h = Sub (logits, far) hot = Relu (h) f = Reshape (hot, less) "
    "s = ReduceSum <keepdims=0> (f) gate = Relu (s)",
    "product": "h = Sub (logits, far) hot = Relu (h) t = Transpose <perm=[1, 0]> (hot) "
    "p = MatMul (t, hot) gate = ReduceSum <keepdims=0> (p)",
}


@pytest.mark.parametrize("gate", HIDDEN)
def test_what_hides_from_every_image_that_is_tried_is_refused(gate: str, tmp_path: Path) -> None:
    path = saved(built(gated(HIDDEN[gate]), NUMBERS), tmp_path / "model.onnx")
    with pytest.raises(InputError, match="^model.onnx: ") as caught:
        load(path, "model.onnx", SIZE)
    assert "of the batch" in str(caught.value) or "in the batch" in str(caught.value)
    assert "export the model without it" in str(caught.value)


HARMLESS = {
    "view": COUNT + "d = Unsqueeze (n, none) s = Concat <axis=0> (d, less) y = Reshape (logits, s)",
    "token": COUNT + "d = Unsqueeze (n, none) s = Concat <axis=0> (d, less) is = Equal (s, less) "
    "o = ConstantOfShape <value = int64[1] {1}> (end) s2 = Where (is, o, s) "
    "e = Expand (far, s2) y = Add (logits, e)",
    "turned": "t = Transpose <perm=[1, 0]> (logits) y = Transpose <perm=[1, 0]> (t)",
}


@pytest.mark.parametrize("tail", HARMLESS)
def test_what_exporters_write_is_accepted(tail: str, tmp_path: Path) -> None:
    path = saved(built(ended(HARMLESS[tail]), NUMBERS), tmp_path / "model.onnx")
    load(path, "model.onnx", SIZE)


def test_every_operator_is_known_to_look_along_some_axes_or_none() -> None:
    assert unknown(OPERATORS.keys() - HOST_ONLY) <= {"Attention", "RotaryEmbedding"}


def test_a_node_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    text = ended("y = Add (logits, wrong)")
    numbers = {**NUMBERS, "wrong": np.zeros(7, np.float32)}
    path = saved(built(text, numbers), tmp_path / "model.onnx")
    with pytest.raises(InputError, match=r"^model\.onnx: y: Add: cannot be run: .*") as caught:
        load(path, "model.onnx", SIZE)
    assert "\n" not in str(caught.value)


def test_a_number_of_images_divided_by_1_stays_one(tmp_path: Path) -> None:
    """As PyTorch once wrote `x.size(0) / 1`; compiled, where the number is not known."""
    text = ended(
        COUNT + "f = Cast <to=1> (n) q = Div (f, unit) r = Floor (q) i = Cast <to=7> (r) "
        "d = Unsqueeze (i, none) s = Concat <axis=0> (d, less) y = Reshape (logits, s)"
    )
    numbers = {**NUMBERS, "unit": np.array(1, np.float32)}
    path = saved(built(text, numbers), tmp_path / "model.onnx")
    model = load(path, "model.onnx", SIZE)
    assert model.predict(np.zeros((5, 8, 8, 3)), batch_size=5, verbose=0).shape[0] == 5

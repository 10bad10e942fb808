"""Every operator computes what ONNX' own tests say."""

from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import onnx
import pytest
from keras import backend, ops

from auditor.errors import InputError
from auditor.models.onnx.node import Node
from auditor.models.onnx.operators import HOST_ONLY, OPERATORS
from auditor.models.onnx.run import evaluate, run
from auditor.models.onnx.values import Tensor, Value
from tests.models.onnx.official import SKIPPED, Case, cases, failures
from tests.test_backends import assert_runs, python

UNTESTED = {"GlobalLpPool"}
"""Operators that ONNX has no case for; the tests below have."""

UNSUPPORTED = set(
    """
    Adagrad Adam AffineGrid ArrayFeatureExtractor Bernoulli Binarizer BitCast BitShift
    BlackmanWindow CausalConvWithState CenterCropPad Col2Im Compress ConvInteger DFT DeformConv
    DequantizeLinear Det DynamicQuantizeLinear FlexAttention GRU GridSample HammingWindow HannWindow
    If ImageDecoder LSTM LabelEncoder LinearAttention Loop MatMulInteger MaxUnpool MelWeightMatrix
    Momentum NegativeLogLikelihoodLoss NonMaxSuppression OptionalGetElement OptionalHasElement
    QLinearConv QLinearMatMul QuantizeLinear RNN RegexFullMatch ReverseSequence RoiAlign STFT Scan
    SequenceInsert SequenceMap SoftmaxCrossEntropyLoss SplitToSequence StringConcat StringNormalizer
    StringSplit SwiGLU TensorScatter TfIdfVectorizer TreeEnsemble Unique
    """.split()
)
"""Operators that ONNX has cases for and that no image classifier should need."""


def about(operator: str) -> list[Case]:
    return [case for case in cases() if case.operator == operator]


@pytest.mark.parametrize("operator", sorted(OPERATORS.keys() - UNTESTED))
def test_operator(operator: str) -> None:
    ran = [case for case in about(operator) if case.supported and not case.skipped]
    assert ran
    wrong = [line for case in ran for line in failures(case)]
    assert not wrong, "\n".join(wrong)


def test_operators_that_are_defined_by_supported_ones() -> None:
    ran = [
        case
        for case in cases()
        if case.operator not in OPERATORS and case.supported and not case.skipped
    ]
    assert len(ran) > 40
    wrong = [line for case in ran for line in failures(case)]
    assert not wrong, "\n".join(wrong)


def test_every_case_is_run_or_there_is_a_reason() -> None:
    counts = Counter("run" if not case.skipped else "skipped" for case in cases() if case.supported)
    assert counts["run"] > 1100
    assert counts["skipped"] < 320
    known = OPERATORS.keys() | HOST_ONLY
    assert {case.operator for case in cases()} - known == UNSUPPORTED
    assert OPERATORS.keys() - {case.operator for case in cases()} == UNTESTED
    left_out = [c.name for c in cases() if c.operator in OPERATORS and not c.supported]
    assert not left_out, "operators in their definitions that are not supported"


def test_every_reason_has_a_case() -> None:
    for pattern in SKIPPED:
        assert any(fnmatchcase(case.name, pattern) for case in cases() if case.supported), pattern


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jax", "torch"])
def test_other_backends(name: str) -> None:
    """All on PyTorch; JAX compiles each case anew, and would take a quarter of an hour."""
    some = "Add Conv OneHot Pad Resize Slice".split() if name == "jax" else ()
    assert_runs(name, python(name), "tests.models.onnx.official", *some)
    gradients = Path(__file__).with_name("test_gradients.py")
    assert_runs(name, python(name), "pytest", "-p", "no:cacheprovider", gradients)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("power", [1, 2, 3])
def test_global_lp_pool(power: int, last: bool) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    seen = evaluated("GlobalLpPool", image(x, last), p=power)
    wanted = (np.abs(x) ** power).sum((2, 3), keepdims=True) ** (1 / power)
    np.testing.assert_allclose(seen, wanted, rtol=1e-5)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("opset", [7, 11, 12])
@pytest.mark.parametrize("axis", [1, 2, -1])
def test_softmax_once_was_over_all_axes_from_one_on(opset: int, axis: int, last: bool) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    over = tuple(range(axis % 4, 4))
    shares = np.exp(x) / np.exp(x).sum(over, keepdims=True)
    for operator, wanted in (("Softmax", shares), ("LogSoftmax", np.log(shares))):
        seen = evaluated(operator, image(x, last), opset=opset, axis=axis)
        np.testing.assert_allclose(seen, wanted, rtol=1e-4, atol=1e-6)
    hard = evaluated("Hardmax", image(x, last), opset=opset, axis=axis)
    np.testing.assert_array_equal(hard, shares == shares.max(over, keepdims=True))


@pytest.mark.parametrize("last", [False, True])
def test_what_older_operators_have_as_attributes(last: bool) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 1)).astype(np.float32)
    given = image(x, last)
    expected = {
        ("Squeeze", 11): ({"axes": [3]}, x[..., 0]),
        ("Unsqueeze", 11): ({"axes": [0, -1]}, x[None, ..., None]),
        ("ReduceSum", 11): ({"axes": [1], "keepdims": 0}, x.sum(1)),
        ("ReduceMean", 13): ({"axes": [2, 3], "keepdims": 0}, x.mean((2, 3))),
        ("Clip", 10): ({"min": -0.5, "max": 0.25}, x.clip(-0.5, 0.25)),
        ("Pad", 10): ({"pads": [0, 1, 0, 0, 0, 0, -1, 2], "value": 7.0}, padded(x)),
        ("Slice", 9): ({"starts": [1, -3], "ends": [9, -1], "axes": [1, 2]}, x[:, 1:, -3:-1]),
        ("Split", 11): ({"axis": 1, "split": [2, 1]}, x[:, :2]),
        ("TopK", 9): ({"axis": 1, "k": 2}, np.sort(x, 1)[:, :0:-1]),
        ("Dropout", 11): ({"ratio": 0.9}, x),
        ("Upsample", 7): ({"scales": [1.0, 1.0, 2.0, 3.0]}, x.repeat(2, 2).repeat(3, 3)),
        ("Resize", 10): ({}, x.repeat(2, 2).repeat(3, 3)),
    }
    for (operator, opset), (attributes, wanted) in expected.items():
        more = [np.array([1, 1, 2, 3], np.float32)] if operator == "Resize" else []
        seen = evaluated(operator, given, *more, opset=opset, **attributes)
        np.testing.assert_allclose(seen, wanted, rtol=1e-6, err_msg=operator)


def test_group_normalization_scaled_by_the_group() -> None:
    x = np.random.default_rng(0).normal(size=(2, 6, 4, 5)).astype(np.float32)
    scale, bias = np.array([2, 3], np.float32), np.array([-1, 1], np.float32)
    groups = x.reshape(2, 2, -1)
    normal = (groups - groups.mean(-1, keepdims=True)) / groups.std(-1, keepdims=True)
    wanted = (normal * scale[:, None] + bias[:, None]).reshape(x.shape)
    seen = evaluated("GroupNormalization", image(x, True), scale, bias, opset=18, num_groups=2)
    np.testing.assert_allclose(seen, wanted, rtol=1e-3, atol=1e-4)


def test_images_stay_channels_last_through_a_network() -> None:
    """Nothing between two convolutions turns them around."""
    x = image(np.ones((2, 4, 6, 6), np.float32), True)
    two = np.array([2, 3])
    for operator, more, attributes in (
        ("Relu", (), {}),
        ("Add", (np.ones((4, 1, 1), np.float32),), {}),
        ("Mul", (image(np.ones((2, 4, 1, 1), np.float32), True),), {}),
        ("BatchNormalization", (np.ones(4, np.float32),) * 4, {}),
        ("Concat", (x,), {"axis": 1}),
        ("Pad", (np.array([0, 0, 1, 1, 0, 0, 1, 1]),), {"mode": "reflect"}),
        ("ReduceMean", (two,), {"keepdims": 1}),
        ("Resize", (None, np.array([1, 1, 2, 2], np.float32)), {"mode": "linear"}),
        ("Slice", (np.array([1]), np.array([3]), np.array([1])), {}),
        ("Softmax", (), {"axis": 1}),
        ("Split", (np.array([1, 3]),), {"axis": 1}),
        ("DepthToSpace", (), {"blocksize": 2}),
        ("Reshape", (np.array([0, 4, -1]),), {}),
    ):
        outputs = evaluate(node(operator, 18, **attributes), [x, *more])
        assert outputs[0].last, operator


def test_a_class_token_of_one_image_goes_with_every_image() -> None:
    token = Tensor(ops.ones((1, 1, 8)))
    patches = Tensor(ops.zeros((5, 3, 8)))
    seen = evaluated("Concat", token, patches, axis=1)
    assert seen.shape == (5, 4, 8)
    assert (seen[:, 0] == 1).all()
    assert (seen[:, 1:] == 0).all()


@pytest.mark.parametrize(
    "operator, more, attributes",
    [
        ("BatchNormalization", (np.ones(4, np.float32),) * 4, {"training_mode": 1}),
        ("Dropout", (np.float32(0.5), np.array(True)), {}),
        ("Cast", (), {"to": onnx.TensorProto.FLOAT8E4M3FN}),
        ("NonZero", (), {}),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_name(operator, more, attributes) -> None:
    x = image(np.ones((2, 4, 6, 6), np.float32), True)
    with pytest.raises(InputError, match=f"out: {operator}: .*; export the model without it"):
        evaluate(node(operator, 18, **attributes), [x, *map(np.asarray, more)])


def padded(x: np.ndarray) -> np.ndarray:
    edges = ((0, 0), (1, 0), (0, 0), (0, 2))
    return np.pad(x[:, :, :-1], edges, constant_values=7)


def image(x: np.ndarray, last: bool) -> Tensor:
    return Tensor(ops.convert_to_tensor(np.moveaxis(x, 1, -1) if last else x), last)


def node(operator: str, opset: int, **attributes: object) -> Node:
    return Node.of(onnx.helper.make_node(operator, ["x"], ["out"], **attributes), opset)


def evaluated(operator: str, *values: Value, opset: int = 18, **attributes: object) -> np.ndarray:
    output = evaluate(node(operator, opset, **attributes), list(values))[0]
    assert isinstance(output, Tensor)
    return ops.convert_to_numpy(output.plain())


@pytest.mark.skipif(backend.backend() != "tensorflow", reason="others know every shape")
def test_an_unknown_number_of_images() -> None:
    """While TensorFlow traces, no shape but that number is lost."""
    import tensorflow as tf

    steps = [
        ("Shape", ["x"], "shape", {}),
        ("Cast", ["shape"], "real", {"to": onnx.TensorProto.FLOAT}),
        ("Slice", ["real", "two", "four"], "size", {}),
        ("Mul", ["size", "half"], "less", {}),
        ("Floor", ["less"], "whole", {}),
        ("Cast", ["whole"], "pixels", {"to": onnx.TensorProto.INT64}),
        ("Split", ["shape"], ("front", "back"), {"num_outputs": 2}),
        ("Concat", ["front", "pixels"], "sizes", {"axis": 0}),
        ("Resize", ["x", "", "", "sizes"], "small", {"mode": "linear"}),
        ("Gather", ["shape", "zero"], "n", {"axis": 0}),
        ("Unsqueeze", ["n", "zeros"], "count", {}),
        ("Mul", ["count", "twos"], "twice", {}),
        ("Concat", ["twice", "ending"], "wanted", {"axis": 0}),
        ("Reshape", ["small", "wanted"], "rows", {}),
        ("Concat", ["count", "ones"], "spread", {"axis": 0}),
        ("Expand", ["token", "spread"], "tokens", {}),
    ]
    nodes = [
        Node.of(
            onnx.helper.make_node(op, names, [out] if isinstance(out, str) else out, **more), 18
        )
        for op, names, out, more in steps
    ]
    host = {
        "two": [2], "four": [4], "zero": 0, "zeros": [0], "twos": [2], "ending": [2, 12],
        "ones": [1, 5],
    }  # fmt: skip
    known = {name: np.array(value) for name, value in host.items()}
    known["half"] = np.float32([0.5, 0.5])
    token = ops.ones((1, 3, 5))
    seen: dict[str, tuple] = {}

    @tf.function(input_signature=[tf.TensorSpec((None, 6, 8, 4))], autograph=False)
    def traced(images):
        env = run(nodes, {**known, "x": Tensor(images, True), "token": Tensor(token)})
        seen.update({n: tuple(env[n].data.shape) for n in ("small", "rows", "tokens")})
        return env["rows"].plain(), env["tokens"].plain()

    rows, tokens = traced(np.ones((3, 6, 8, 4), np.float32))
    assert seen == {"small": (None, 3, 4, 4), "rows": (None, 2, 12), "tokens": (None, 3, 5)}
    assert (rows.shape, tokens.shape) == ((6, 2, 12), (3, 3, 5))

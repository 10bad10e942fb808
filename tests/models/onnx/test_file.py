"""Real ONNX files read as Keras models: what they compute, what is trained, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from auditor.errors import InputError
from auditor.models.input_range import InputRange
from auditor.models.onnx.file import load, write
from auditor.models.wrap import wrap
from tests.models.onnx.graphs import CLASSIFIER, DENSE, HEAD, built, images, saved

SIZE = (8, 8)


def outputs(model: Any, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return what a loaded model gives for (n, 3, h, w) images."""
    return np.asarray(model(pixels.transpose(0, 2, 3, 1), training=False))


def reference(model: onnx.ModelProto, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    run = ReferenceEvaluator(model)
    return np.asarray(run.run(None, {run.input_names[0]: pixels})[0])


def opened(model: onnx.ModelProto, tmp_path: Path) -> Any:
    return load(saved(model, tmp_path / "model.onnx"), "model.onnx", SIZE)


def named(model: Any) -> dict[str, Any]:
    """Return the names of a loaded model's weights → whether they are trained."""
    layer = model.layers[-1]
    trained = {id(v) for v in model.trainable_variables}
    return {name: id(v) in trained for name, v in layer._variables_of.items()}


def ended(tail: str) -> str:
    """Return the classifier's text, more done to its logits."""
    return CLASSIFIER.replace(DENSE, DENSE.replace("y =", "logits =") + tail)


def assert_same(model: onnx.ModelProto, tmp_path: Path, count: int = 3) -> None:
    expected = np.concatenate([reference(model, row[None]) for row in images(count)])
    assert np.ptp(expected, axis=0).max() > 1e-3
    found = outputs(opened(model, tmp_path), images(count))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_what_a_graph_computes(tmp_path: Path) -> None:
    assert_same(built(), tmp_path)


def test_channels_last_as_keras_exports_them(tmp_path: Path) -> None:
    text = CLASSIFIER.replace("N, 3, 8, 8] x)", "N, 8, 8, 3] nhwc)").replace(
        HEAD, f"x = Transpose <perm=[0, 3, 1, 2]> (nhwc) {HEAD}"
    )
    model = opened(built(text), tmp_path)
    np.testing.assert_allclose(
        outputs(model, images(3)), reference(built(), images(3)), rtol=1e-4, atol=1e-5
    )


def test_any_size(tmp_path: Path) -> None:
    model = opened(built(CLASSIFIER.replace("8, 8]", "H, W]")), tmp_path)
    assert model.input_shape == (None, None, None, 3)
    pixels = images(2, size=12)
    np.testing.assert_allclose(outputs(model, pixels), reference(built(), pixels), rtol=1e-4)


@pytest.mark.parametrize("shape", [[1, -1], [1, 4], [-1, 4], [0, -1]])
def test_a_batch_of_one_written_into_the_graph_is_undone(shape: list[int], tmp_path: Path) -> None:
    text = CLASSIFIER.replace("N,", "1,").replace("Flatten (pooled)", "Reshape (pooled, shape)")
    assert_same(built(text, {"shape": np.array(shape, np.int64)}), tmp_path, count=5)


def test_heads_beside_a_batch_of_one_are_told_from_it(tmp_path: Path) -> None:
    """As attention does it: (1, t, heads · d) becomes (heads, t, d), the batch hidden in heads."""
    text = """
    <ir_version: 8, opset_import: ["" : 17]>
    heads (float[1, 3, 8, 8] x) => (float[1, 10] y) {
        features = Conv <strides=[4, 4]> (x, kernel, bias)
        rows = Reshape (features, rows_shape)
        tokens = Transpose <perm=[2, 0, 1]> (rows)
        split = Reshape (tokens, split_shape)
        heads = Transpose <perm=[1, 0, 2]> (split)
        weights = Softmax <axis=-1> (heads)
        products = Mul (heads, weights)
        together = Transpose <perm=[1, 0, 2]> (products)
        joined = Reshape (together, joined_shape)
        pooled = ReduceMean <axes=[0], keepdims=0> (joined)
        y = Gemm <transB=1> (pooled, dense, shift)
    }"""
    shapes = {
        "rows_shape": np.array([1, 4, 4], np.int64),
        "split_shape": np.array([4, 2, 2], np.int64),
        "joined_shape": np.array([4, 1, 4], np.int64),
    }
    assert_same(built(text, shapes), tmp_path, count=3)


def test_images_that_depend_on_each_other_are_refused(tmp_path: Path) -> None:
    text = CLASSIFIER.replace(
        "flat = Flatten (pooled)",
        "middle = ReduceMean <axes=[0], keepdims=1> (pooled) apart = Sub (pooled, middle) "
        "flat = Flatten (apart)",
    )
    with pytest.raises(InputError, match=r"^model\.onnx: .* dynamic batch"):
        opened(built(text), tmp_path)


def test_a_softmax_at_the_end_is_stepped_behind(tmp_path: Path) -> None:
    text = (
        CLASSIFIER.replace("y = Gemm", "logits = Gemm")
        .replace("shift) }", "shift) p = Softmax (logits) y = Identity (p) }")
        .replace("dense, shift)\n", "dense, shift)\n p = Softmax (logits) y = Identity (p)\n")
    )
    model = opened(built(text), tmp_path)
    np.testing.assert_allclose(outputs(model, images(3)).sum(axis=1), 1, rtol=1e-5)
    classifier = wrap(model, InputRange.parse("0..1"), "m", SIZE, "onnx")
    assert classifier.softmax
    pixels = (images(3) * 255).astype(np.uint8)
    np.testing.assert_allclose(
        np.asarray(classifier.scores(pixels.transpose(0, 2, 3, 1))),
        reference(built(), (pixels / 255).astype(np.float32)),
        rtol=1e-3,
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("opset", "tail"),
    [
        (17, "p = Softmax (logits) y = Reshape (p, flat_shape)"),
        (17, "q = Reshape (logits, wide) p = Softmax <axis=3> (q) y = Flatten (p)"),
        (17, "q = Reshape (logits, tall) p = Softmax <axis=1> (q) y = Flatten (p)"),
        (17, "q = Reshape (logits, wide) p = Softmax (q) r = Cast <to=11> (p) y = Flatten (r)"),
        (11, "q = Reshape (logits, tall) p = Softmax (q) y = Flatten (p)"),
    ],
)
def test_what_only_hands_probabilities_on_is_seen_through(
    opset: int, tail: str, tmp_path: Path
) -> None:
    text = ended(tail).replace('"" : 17', f'"" : {opset}').replace("[N, 10] y", "[N, M] y")
    if "to=11" in tail:
        text = text.replace("float[N, M] y", "double[N, M] y")
    shapes = {"flat_shape": [-1, 10], "wide": [-1, 1, 1, 10], "tall": [-1, 10, 1, 1]}
    used = {name: np.array(to, np.int64) for name, to in shapes.items() if f" {name})" in text}
    model = opened(built(text, used), tmp_path)
    classifier = wrap(model, InputRange.parse("0..1"), "m", SIZE, "onnx")
    assert classifier.softmax
    pixels = (images(3) * 255).astype(np.uint8)
    numbers = (pixels / 255).astype(np.float32)
    logits = reference(built(), numbers).astype(np.float64)
    scores = np.asarray(classifier.scores(pixels.transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(scores, logits, rtol=1e-3, atol=1e-4)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs(model, numbers), p, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("shape", [[-1, 1, 10], [-1, 10, 1, 1]])
def test_axes_of_length_one_are_no_classes(shape: list[int], tmp_path: Path) -> None:
    """SqueezeNet and others give (n, classes, 1, 1)."""
    text = ended("y = Reshape (logits, shape)")
    axes = ", ".join(["N", *map(str, shape[1:])])
    model = opened(
        built(text.replace("[N, 10] y", f"[{axes}] y"), {"shape": np.array(shape, np.int64)}),
        tmp_path,
    )
    np.testing.assert_allclose(
        outputs(model, images(3)), reference(built(), images(3)), rtol=1e-4, atol=1e-5
    )


def test_a_grid_of_scores_is_no_list(tmp_path: Path) -> None:
    text = ended("y = Reshape (logits, shape)")
    shape = {"shape": np.array([-1, 2, 5], np.int64)}
    with pytest.raises(InputError, match=r"output has the shape \(1, 2, 5\)"):
        opened(built(text.replace("[N, 10] y", "[N, 2, 5] y"), shape), tmp_path)


def test_what_is_trained(tmp_path: Path) -> None:
    text = (
        CLASSIFIER.replace("Conv <", "Conv <")
        .replace("(x, kernel", "(scaled, kernel")
        .replace(
            "features = Conv",
            "centred = Sub (x, pixel_mean) scaled = Div (centred, pixel_std) features = Conv",
        )
    )
    prepared = {
        "pixel_mean": np.full((1, 3, 1, 1), 0.4, np.float32),
        "pixel_std": np.full((1, 3, 1, 1), 0.2, np.float32),
    }
    model = opened(built(text, prepared), tmp_path)
    assert named(model) == {
        "kernel": True,
        "bias": True,
        "gamma": True,
        "beta": True,
        "dense": True,
        "shift": True,
        "mean": False,
        "variance": False,
    }


def constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its initializers as Constant nodes."""
    nodes = [helper.make_node("Constant", [], [t.name], value=t) for t in model.graph.initializer]
    del model.graph.initializer[:]
    old = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *old])
    return model


@pytest.mark.parametrize("form", ["initializers", "constants", "inputs", "half", "function"])
def test_weights_in_every_form_are_trained_and_written_back(form: str, tmp_path: Path) -> None:
    model = built()
    if form == "constants":
        model = constants(model)
    elif form == "inputs":  # as files of old list them
        for tensor in model.graph.initializer:
            info = helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims)
            model.graph.input.append(info)
    elif form == "half":
        for tensor in model.graph.initializer:
            half = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    elif form == "function":
        opsets = [helper.make_opsetid("", 17)]
        inner = helper.make_node("Relu", ["a"], ["b"])
        inside = helper.make_function("own", "Act", ["a"], ["b"], [inner], opsets)
        model.functions.append(inside)
        model.opset_import.append(helper.make_opsetid("own", 1))
        (relu,) = (node for node in model.graph.node if node.op_type == "Relu")
        relu.op_type, relu.domain = "Act", "own"
    source = saved(model, tmp_path / "before.onnx")
    loaded = load(source, "before.onnx", SIZE)
    assert len(loaded.trainable_variables) == 6
    for number, variable in enumerate(loaded.trainable_variables):
        variable.assign_add(0.01 * (number + 1) * np.ones(variable.shape, np.float32))
    write(loaded, source, tmp_path / "after.onnx")
    after = onnx.load(tmp_path / "after.onnx")
    kind, tolerance = (np.float16, 2e-2) if form == "half" else (np.float32, 1e-4)
    pixels = images(3).astype(kind)
    expected = outputs(loaded, images(3))
    np.testing.assert_allclose(reference(after, pixels), expected, rtol=tolerance, atol=tolerance)
    assert np.abs(reference(model, pixels) - expected).max() > 0.05
    assert shape_of(after) == shape_of(onnx.load(source))


def test_nodes_in_no_order_that_runs_are_put_in_one_and_handed_back(tmp_path: Path) -> None:
    expected = reference(built(), images(3))
    model = built()
    turned = [onnx.NodeProto.FromString(node.SerializeToString()) for node in model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(turned[::-1])
    source, target = saved(model, tmp_path / "model.onnx"), tmp_path / "repaired.onnx"
    loaded = load(source, "model.onnx", SIZE)
    np.testing.assert_allclose(outputs(loaded, images(3)), expected, rtol=1e-4, atol=1e-5)
    (kernel,) = (v for v in loaded.trainable_variables if v.shape == (4, 3, 3, 3))
    kernel.assign(kernel * 1.5)
    write(loaded, source, target)
    after = onnx.load(target)
    onnx.checker.check_model(after, full_check=True)
    given = outputs(loaded, images(3))
    np.testing.assert_allclose(reference(after, images(3)), given, rtol=1e-4, atol=1e-5)
    assert np.abs(given - expected).max() > 0.01


def shape_of(model: onnx.ModelProto) -> bytes:
    """Return all of a model but its weights' numbers."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    tensors = [*copy.graph.initializer]
    tensors += [a.t for n in copy.graph.node if n.op_type == "Constant" for a in n.attribute]
    for tensor in tensors:
        tensor.ClearField("raw_data")
    return copy.SerializeToString(deterministic=True)


REFUSED = {
    "unsupported": (
        CLASSIFIER.replace("Relu (normal)", "Det (normal)").replace(
            "Flatten (pooled)", "STFT (pooled, a)"
        ),
        ["Det, STFT", "not supported"],
    ),
    "quantized": (
        CLASSIFIER.replace(
            "active = Relu (normal)",
            "q = QuantizeLinear (normal, s) active = DequantizeLinear (q, s)",
        ),
        ["quantized", "DequantizeLinear, QuantizeLinear", "float32"],
    ),
    "two inputs": (CLASSIFIER.replace("8] x)", "8] x, float[N] z)"), ["2 inputs"]),
    "two outputs": (
        CLASSIFIER.replace("[N, 10] y)", "[N, 10] y, float[N, 4] flat)"),
        ["2 outputs"],
    ),
    "not images": (CLASSIFIER.replace("N, 3, 8, 8", "N, 3, 8"), ["(None, 3, 8)"]),
    "many channels": (CLASSIFIER.replace("N, 3, 8, 8", "N, 12, 8, 8"), ["channels"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(name: str, tmp_path: Path) -> None:
    text, words = REFUSED[name]
    with pytest.raises(InputError) as raised:
        load(saved(onnx.parser.parse_model(text), tmp_path / "m.onnx"), "m.onnx", SIZE)
    message = str(raised.value)
    assert message.startswith("m.onnx: ") and "\n" not in message
    for word in words:
        assert word in message


def test_layers_go_by_tensor_and_by_node(tmp_path: Path) -> None:
    model = built()
    for node in model.graph.node:
        node.name = f"/net/{node.op_type}"
    classifier = wrap(opened(model, tmp_path), InputRange.parse("0..1"), "m", SIZE, "onnx")
    layers = [(layer.path, layer.grid) for layer in classifier.spatial_layers()]
    assert layers == [("features", (4, 4)), ("normal", (4, 4)), ("active", (4, 4))]
    assert classifier.spatial_layer(None).path == "active"
    assert classifier.spatial_layer("normal").path == "normal"
    assert classifier.spatial_layer("/net/Conv").path == "features"
    with pytest.raises(Exception, match="choose one of: features, normal, active"):
        classifier.spatial_layer("other")


def test_the_head_and_dense_texts_are_the_ones_used() -> None:
    assert HEAD in CLASSIFIER and DENSE in CLASSIFIER

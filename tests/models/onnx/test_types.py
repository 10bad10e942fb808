"""Numbers are computed in the types that a graph declares."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from keras import backend
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from auditor.errors import InputError
from auditor.models.onnx.file import load, write
from tests.models.onnx.flags import SWITCHES, corners, switched
from tests.models.onnx.graphs import CLASSIFIER, built, images, saved


def scores(model: onnx.ModelProto, tmp_path: Path, pixels: np.ndarray) -> np.ndarray:
    opened = load(saved(model, tmp_path / "m.onnx"), "m.onnx", (8, 8))
    return np.asarray(opened(pixels.transpose(0, 2, 3, 1)))


def reference(model: onnx.ModelProto, pixels: np.ndarray) -> np.ndarray:
    """Return what ONNX' own implementation makes of images, one after the other."""
    run = ReferenceEvaluator(model)
    with np.errstate(all="ignore"):
        return np.concatenate([run.run(None, {"x": row[None]})[0] for row in pixels])


@pytest.mark.parametrize("batch", ["N", "1"])
@pytest.mark.parametrize("name", SWITCHES)
def test_what_only_a_type_does_is_done(name: str, batch: str, tmp_path: Path) -> None:
    if backend.backend() == "jax" and "64" in name:
        pytest.skip("JAX has 32 bits")
    model, pixels = switched(SWITCHES[name], batch), corners()
    expected = reference(model, pixels)
    assert ((expected.argmax(axis=1) == 0) & (expected[:, 0] > 50)).tolist() == [False, True] * 2
    found = scores(model, tmp_path, pixels)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def whole_in(kind: type) -> onnx.ModelProto:
    """Return the classifier with its input, weights and output in another type."""
    number = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    model = built()
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor).astype(kind)
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = number
    return model


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_a_network_of_one_type_throughout(kind: type, tmp_path: Path) -> None:
    if backend.backend() == "jax" and kind is np.float64:
        pytest.skip("JAX has 32 bits")
    model = whole_in(kind)
    expected = reference(model, images(3).astype(kind)).astype(np.float32)
    tolerance = 2e-2 if kind is np.float16 else 1e-6
    found = scores(model, tmp_path, images(3))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    assert np.ptp(expected, axis=0).max() > 0.1


@pytest.mark.skipif(backend.backend() == "jax", reason="JAX has 32 bits")
def test_weights_keep_the_digits_of_their_type(tmp_path: Path) -> None:
    model, target = whole_in(np.float64), tmp_path / "after.onnx"
    source = saved(model, tmp_path / "before.onnx")
    write(load(source, "before.onnx", (8, 8)), source, target)
    assert onnx.load(target) == model


def test_weights_stored_in_half_and_used_in_whole_are_trained(tmp_path: Path) -> None:
    text = CLASSIFIER.replace("y = Gemm", "wide = Cast <to=1> (dense16) y = Gemm")
    dense = np.random.default_rng(0).normal(0, 0.5, (10, 4)).astype(np.float16)
    model = built(text.replace("(flat, dense,", "(flat, wide,"), {"dense16": dense})
    opened = load(saved(model, tmp_path / "m.onnx"), "m.onnx", (8, 8))
    assert (10, 4) in [tuple(v.shape) for v in opened.trainable_variables]
    found = np.asarray(opened(images(3).transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(found, reference(model, images(3)), rtol=1e-4, atol=1e-5)


REFUSED = {
    "uint64": ("whole = Cast <to=13> (column)", "whole: Cast: to numbers of type uint64"),
    "float8": ("whole = Cast <to=17> (column)", "whole: Cast: to numbers of type float8"),
    "text": ("whole = Cast <to=8> (column)", "whole: Cast: to numbers of type string"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_computed_is_refused_by_name(name: str, tmp_path: Path) -> None:
    nodes, words = REFUSED[name]
    back = "back = Cast <to=1> (whole) switched = Greater (back, nearly)"
    with pytest.raises(InputError) as raised:
        scores(switched(f"{nodes} {back}"), tmp_path, corners())
    assert str(raised.value).startswith(f"m.onnx: {words}")
    assert "\n" not in str(raised.value)


def test_inputs_of_two_types_are_refused(tmp_path: Path) -> None:
    """As ONNX Runtime does; onnx.reference computes with whatever NumPy makes of them."""
    model = switched("wide = Cast <to=11> (white) switched = Greater (wide, nearly)")
    words = r"switched: Greater: its inputs are of two types, float64 and float32; "
    with pytest.raises(InputError, match=words):
        scores(model, tmp_path, corners())


def test_an_image_input_of_other_whole_numbers_than_bytes_is_refused(tmp_path: Path) -> None:
    text = CLASSIFIER.replace("float[N, 3, 8, 8] x", "int32[N, 3, 8, 8] bytes")
    model = built(text.replace("features = Conv", "x = Cast <to=1> (bytes) features = Conv"))
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.INT32
    with pytest.raises(InputError, match=r"its input takes numbers of type int32; .* float32"):
        scores(model, tmp_path, images(1))

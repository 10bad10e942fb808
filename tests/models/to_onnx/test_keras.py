"""Keras models written as ONNX: the same scores, or no file."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from auditor.errors import WorkError
from auditor.models.onnx import file as onnx_file
from auditor.models.to_onnx import convert, from_keras
from tests.models.to_onnx.conftest import images, keras, layers, model, run


def conv(x: Any, **options: Any) -> Any:
    return layers.Conv2D(6, 3, padding="same", **options)(x)


def attention(x: Any) -> Any:
    x = layers.Reshape((-1, 4))(layers.Conv2D(4, 4, strides=4)(x))
    return layers.MultiHeadAttention(2, 4)(x, x)


BODIES: dict[str, Callable[[Any], Any]] = {
    "Conv2D, BatchNormalization": lambda x: layers.ReLU()(layers.BatchNormalization()(conv(x))),
    "Flatten, Dense": lambda x: layers.Dense(5, activation="elu")(layers.Flatten()(x)),
    "DepthwiseConv2D": lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2)(x),
    "SeparableConv2D": lambda x: layers.SeparableConv2D(4, 3)(x),
    "grouped Conv2D": lambda x: conv(conv(x), groups=3, strides=2),
    "Conv2DTranspose": lambda x: layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x),
    "exact GELU": lambda x: layers.Activation("gelu")(conv(x)),
    "LayerNormalization": lambda x: layers.LayerNormalization()(conv(x)),
    "GroupNormalization": lambda x: layers.GroupNormalization(2)(conv(x)),
    "Rescaling": lambda x: conv(layers.Rescaling(1 / 127.5, -1)(x)),
    "Normalization": lambda x: conv(
        layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.3, 0.2, 0.1])(x)
    ),
    "nested": lambda x: keras.Sequential(
        [keras.Input((12, 12, 6)), layers.Conv2D(4, 3, activation="silu"), layers.MaxPooling2D()]
    )(conv(x)),
    "MultiHeadAttention": attention,
    "two branches": lambda x: layers.Concatenate()([conv(x) * 2, layers.Add()([conv(x), conv(x)])]),
    "UpSampling2D": lambda x: layers.UpSampling2D(interpolation="bilinear")(conv(x)),
    "regularised": lambda x: layers.Dropout(0.5)(layers.RandomFlip()(conv(x))),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_scores_are_those_of_the_model(body: Callable[[Any], Any], tmp_path: Path) -> None:
    made = model(body)
    from_keras(made, tmp_path / "made.onnx")
    onnx.checker.check_model(tmp_path / "made.onnx", full_check=True)
    found = run(tmp_path / "made.onnx", images())
    np.testing.assert_allclose(found, made(images(), training=False), rtol=1e-4, atol=1e-6)


def test_ends_keep_their_names_and_any_number_of_images_will_do(tmp_path: Path) -> None:
    from_keras(model(conv), tmp_path / "made.onnx")
    graph = onnx.load(tmp_path / "made.onnx")
    assert [o.version for o in graph.opset_import if not o.domain] == [18]
    assert [each.name for each in graph.graph.input] == ["image"]
    assert [each.name for each in graph.graph.output] == ["head"]
    assert [run(tmp_path / "made.onnx", images(n)).shape for n in (1, 5)] == [(1, 3), (5, 3)]


def test_sequential_model(tmp_path: Path) -> None:
    made = keras.Sequential([keras.Input((12, 12, 3)), layers.Flatten(), layers.Dense(3)])
    from_keras(made, tmp_path / "made.onnx")
    found = run(tmp_path / "made.onnx", images())
    np.testing.assert_allclose(found, made(images()), rtol=1e-4, atol=1e-5)


def test_layers_that_start_equal_stay_two(tmp_path: Path) -> None:
    made = model(lambda x: layers.Dense(6)(layers.Dense(6)(layers.GlobalMaxPooling2D()(conv(x)))))
    first, second = (layer for layer in made.layers if getattr(layer, "units", 0) == 6)
    second.set_weights(first.get_weights())
    from_keras(made, tmp_path / "made.onnx")
    graph = onnx.load(tmp_path / "made.onnx").graph
    assert sorted(tuple(t.dims) for t in graph.initializer).count((6, 6)) == 2
    assert sorted(tuple(t.dims) for t in graph.initializer).count((6,)) == 3


def test_model_of_any_size_stays_one(tmp_path: Path) -> None:
    made = model(conv, (None, None, 3))
    from_keras(made, tmp_path / "made.onnx")
    found = run(tmp_path / "made.onnx", images(2, 20))
    np.testing.assert_allclose(found, made(images(2, 20)), rtol=1e-4, atol=1e-6)


def test_what_is_written_can_be_audited(tmp_path: Path) -> None:
    made = model(BODIES["grouped Conv2D"])
    from_keras(made, tmp_path / "made.onnx")
    read = onnx_file.load(tmp_path / "made.onnx", "made.onnx", (12, 12))
    np.testing.assert_allclose(read(images()), made(images()), rtol=1e-4, atol=1e-6)
    shapes = {tuple(weight.shape) for weight in read.trainable_weights}
    assert {(6, 3, 3, 3), (6, 2, 3, 3), (6, 3)} <= shapes


def refused(made: Any, folder: Path) -> str:
    (folder / "made.onnx").write_text("what was there before")
    with pytest.raises(WorkError) as caught:
        from_keras(made, folder / "made.onnx")
    assert (folder / "made.onnx").read_text() == "what was there before"
    assert [path.name for path in folder.iterdir()] == ["made.onnx"]
    message = str(caught.value)
    assert message.startswith("made.onnx: ")
    assert "\n" not in message
    return message


def test_operators_that_onnx_lacks_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    made = model(lambda x: keras.ops.erfinv(keras.ops.tanh(x)) + keras.ops.fft2((x, x))[0])
    message = refused(made, tmp_path)
    assert "tf2onnx cannot write these operators as ONNX:" in message
    assert "Erfinv" in message
    assert "FFT2D" in message
    assert ".keras" in message


def test_another_graph_than_the_model_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = model(conv)
    check = convert.check

    def one_weight_off(graph: Any, *others: Any) -> None:
        kernel = next(t for t in graph.graph.initializer if len(t.dims) == 4)
        values = onnx.numpy_helper.to_array(kernel) * np.float32(1.01)
        kernel.CopyFrom(onnx.numpy_helper.from_array(values, kernel.name))
        check(graph, *others)

    monkeypatch.setattr(convert, "check", one_weight_off)
    assert "its scores differ by" in refused(made, tmp_path)


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="cannot be written: No such file"):
        from_keras(model(conv), tmp_path / "none" / "made.onnx")


def test_nothing_is_told_or_left_changed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
    before, level = dict(os.environ), logging.getLogger("tf2onnx").level
    refused(model(lambda x: keras.ops.erfinv(keras.ops.tanh(conv(x)))), tmp_path)
    assert dict(os.environ) == before
    assert logging.getLogger("tf2onnx").level == level
    told = "".join(capfd.readouterr())
    assert "Unsupported ops" not in told
    assert "is not supported" not in told

"""Float TFLite models written as ONNX: the interpreter's scores, or no file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.errors import InputError
from auditor.models.inspect.tflite import inspect_tflite
from auditor.models.onnx import file as onnx_file
from auditor.models.to_onnx import from_tflite
from tests.models.to_onnx.conftest import images, keras, layers, model, run, tf


def body(x: Any) -> Any:
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, activation="relu")(x))
    x = layers.MaxPooling2D()(layers.DepthwiseConv2D(3, padding="same", activation="relu6")(x))
    return layers.Flatten()(layers.Activation("hard_swish")(x))


def converted(made: Any, path: Path, set_up: Callable[[Any], None] = lambda c: None) -> Path:
    converter = tf.lite.TFLiteConverter.from_keras_model(made)
    set_up(converter)
    path.write_bytes(converter.convert())
    return path


def halves(converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


@pytest.mark.parametrize(("kind", "off"), [("float32", 1e-4), ("float16", 5e-3)])
def test_scores_are_those_of_the_model(kind: str, off: float, tmp_path: Path) -> None:
    made = model(body)
    set_up = halves if kind == "float16" else lambda c: None
    path = converted(made, tmp_path / "made.tflite", set_up)
    assert inspect_tflite(path, "made").findings == ()
    from_tflite(path, tmp_path / "made.onnx", "made")
    wanted = made(images())
    np.testing.assert_allclose(run(tmp_path / "made.onnx", images()), wanted, atol=off)
    read = onnx_file.load(tmp_path / "made.onnx", "made.onnx", (12, 12))
    np.testing.assert_allclose(read(images()), wanted, atol=off)
    assert {(8, 3, 3, 3), (8, 1, 3, 3)} <= {tuple(w.shape) for w in read.trainable_weights}


def test_one_image_at_a_time(tmp_path: Path) -> None:
    made = model(body)
    image = keras.Input(batch_shape=(1, 12, 12, 3))
    converted(keras.Model(image, made(image)), tmp_path / "made.tflite")
    from_tflite(tmp_path / "made.tflite", tmp_path / "made.onnx", "made")
    np.testing.assert_allclose(
        run(tmp_path / "made.onnx", images(1)), made(images(1)), rtol=1e-4, atol=1e-6
    )


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        from_tflite(path, path.with_name("made.onnx"), "suspect")
    assert not path.with_name("made.onnx").exists()
    message = str(caught.value)
    assert message.startswith("suspect: ")
    assert "\n" not in message
    return message


def test_operator_that_tf2onnx_does_not_know_is_named(tmp_path: Path) -> None:
    made = model(lambda x: layers.Activation(lambda y: keras.activations.gelu(y, True))(x))
    path = converted(made, tmp_path / "made.tflite")
    if "GELU" not in {op for _, op in inspect_tflite(path, "made").layers}:
        pytest.skip("this converter writes GELU as other operators")
    assert "TFL_GELU" in refusal(path)


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    ends = [keras.Input((12, 12, 3)), keras.Input((12, 12, 3))]
    pooled = layers.GlobalAveragePooling2D()(ends[0] + ends[1])
    path = converted(keras.Model(ends, pooled), tmp_path / "made.tflite")
    assert "not an image classifier: 2 inputs: serving_default_keras_tensor" in refusal(path)


def test_file_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "made.tflite").write_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 50)
    assert "could not be loaded: " in refusal(tmp_path / "made.tflite")

"""SavedModels of every age written as ONNX: the signature's scores, or no file."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from auditor.errors import InputError
from auditor.models.inspect import examine
from auditor.models.onnx import file as onnx_file
from auditor.models.to_onnx import convert, from_saved_model
from tests.models.to_onnx.conftest import images, layers, model, run, tf


def body(x: Any) -> Any:
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.3, 0.2, 0.1])(x)
    x = layers.BatchNormalization()(layers.Conv2D(8, 3)(x))
    return layers.Activation("gelu")(layers.Conv2D(8, 3, groups=2)(x))


def written(folder: Path, name: str = "model") -> Path:
    """Look at a SavedModel, convert it, and look at what came of it."""
    assert examine(folder, name).findings == ()
    target = folder.with_suffix(".onnx")
    from_saved_model(folder, target, name)
    assert examine(target, name).findings == ()
    return target


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        from_saved_model(folder, folder.parent / "made.onnx", "suspect")
    assert not (folder.parent / "made.onnx").exists()
    message = str(caught.value)
    assert message.startswith("suspect: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("saver", ["export", "tf.saved_model"])
def test_what_keras_saves(saver: str, tmp_path: Path) -> None:
    made = model(body)
    if saver == "export":
        made.export(tmp_path / "model", verbose=False)
    else:
        tf.saved_model.save(made, str(tmp_path / "model"))
    path = written(tmp_path / "model")
    np.testing.assert_allclose(run(path, images()), made(images()), rtol=1e-4, atol=1e-6)
    read = onnx_file.load(path, "model.onnx", (12, 12))
    np.testing.assert_allclose(read(images()), made(images()), rtol=1e-4, atol=1e-6)
    assert {(8, 3, 3, 3), (8, 4, 3, 3)} <= {tuple(w.shape) for w in read.trainable_weights}


def test_what_keras_2_saves(tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    inside = [tf_keras.layers.Conv2D(4, 3), tf_keras.layers.BatchNormalization()]
    inside += [tf_keras.layers.Dropout(0.5), tf_keras.layers.Flatten(), tf_keras.layers.Dense(2)]
    made = tf_keras.Sequential([tf_keras.Input((12, 12, 3)), *inside])
    made.save(tmp_path / "model", save_format="tf")
    path = written(tmp_path / "model")
    np.testing.assert_allclose(run(path, images()), made(images()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("use_resource", [False, True])
def test_what_tensorflow_1_saves(use_resource: bool, tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(1)
        x = v1.placeholder(tf.float32, [None, 12, 12, 3], "x")
        kernel = v1.get_variable("kernel", [3, 3, 3, 4], use_resource=use_resource)
        y = tf.reduce_mean(tf.nn.conv2d(x, kernel, 1, "SAME"), [1, 2])
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(tmp_path / "model"), {"x": x}, {"y": y})
        wanted = session.run(y, {x: images()})
    found = run(written(tmp_path / "model"), images())
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


class Module(tf.Module):
    """A model of its own making, with signatures as asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.random.stateless_normal((3, 3, 3, 4), (1, 2)))

    def scores(self, x: Any) -> Any:
        return tf.reduce_mean(tf.nn.conv2d(tf.cast(x, tf.float32), self.kernel, 2, "SAME"), [1, 2])


def saved(folder: Path, act: Any, *shapes: Any, name: str = "serving_default") -> Path:
    module = Module()
    specs = [tf.TensorSpec(*shape) for shape in shapes]
    module.served = tf.function(lambda *x: act(module, *x), input_signature=specs)
    tf.saved_model.save(module, str(folder), signatures={name: module.served} if name else {})
    return folder


def test_fixed_number_of_images_of_any_size(tmp_path: Path) -> None:
    shape = ((2, None, None, 3), tf.float32, "pixels")
    saved(tmp_path / "model", lambda m, x: {"logits": m.scores(x)}, shape, name="predict")
    path = written(tmp_path / "model")
    graph = onnx.load(path).graph
    assert [graph.input[0].name, graph.output[0].name] == ["pixels", "logits"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2
    wanted = Module().scores(images(2, 20))
    np.testing.assert_allclose(run(path, images(2, 20)), wanted, rtol=1e-4, atol=1e-6)


IMAGE = ((None, 12, 12, 3), "float32")
NOT_CLASSIFIERS = {
    "two inputs": (
        lambda m, x, y: m.scores(x + y),
        [IMAGE, IMAGE],
        "not an image classifier: 2 inputs: ",
    ),
    "two outputs": (lambda m, x: {"a": m.scores(x), "b": x}, [IMAGE], "2 outputs: "),
    "a mask": (lambda m, x: x, [IMAGE], "it makes output_0 (n, 12, 12, 3) of x_0 (n, 12"),
    "numbers": (lambda m, x: x[:, None] * 2, [((None,), "float32")], "of x_0 (n), expected"),
    "bytes": (lambda m, x: m.scores(x), [((None, 12, 12, 3), "int32")], "it takes int32 and gives"),
    "unsupported": (
        lambda m, x: m.scores(tf.math.erfinv(tf.tanh(x))) + tf.math.lgamma(m.scores(x)),
        [IMAGE],
        "tf2onnx cannot write these operators as ONNX: Erfinv, Lgamma; export it",
    ),
}


@pytest.mark.parametrize("kind", NOT_CLASSIFIERS)
def test_what_is_no_image_classifier_is_refused(kind: str, tmp_path: Path) -> None:
    act, shapes, reason = NOT_CLASSIFIERS[kind]
    assert reason in refusal(saved(tmp_path / "model", act, *shapes))


def test_signature_that_serves_is_looked_for(tmp_path: Path) -> None:
    folder = saved(tmp_path / "none", lambda m, x: m.scores(x), IMAGE, name="")
    assert "no signature 'serving_default' (there is: none at all)" in refusal(folder)
    module = Module()
    module.served = tf.function(module.scores, input_signature=[tf.TensorSpec(*IMAGE)])
    both = {"a": module.served, "b": module.served}
    tf.saved_model.save(module, str(tmp_path / "two"), signatures=both)
    assert "(there is: a, b); save the model with" in refusal(tmp_path / "two")


def test_folder_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", lambda m, x: m.scores(x), IMAGE)
    (folder / "variables" / "variables.index").write_bytes(b"not an index")
    assert "could not be loaded: " in refusal(folder)


def test_conversion_that_differs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(tmp_path / "model", lambda m, x: m.scores(x), IMAGE)
    check = convert.check
    monkeypatch.setattr(
        convert, "check", lambda g, scores, *rest: check(g, lambda x: 1.01 * scores(x), *rest)
    )
    assert "cannot be audited as ONNX: its scores differ by 0.0099 of the" in refusal(folder)


@pytest.mark.parametrize("kind", ["hard_swish", "scalar"])
def test_scalars_beside_a_convolution(kind: str, tmp_path: Path) -> None:
    """tf2onnx cannot move a transposition past them, and need not."""

    def act(x: Any) -> Any:
        x = layers.Conv2D(8, 3)(x)
        return layers.Activation("hard_swish")(x) if kind == "hard_swish" else x + 3.0

    made = model(act)
    made.export(tmp_path / "model", verbose=False)
    found = run(written(tmp_path / "model"), images())
    np.testing.assert_allclose(found, made(images()), rtol=1e-4, atol=1e-6)

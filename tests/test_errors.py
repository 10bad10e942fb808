"""What libraries' exceptions come to: the ones they really raise."""

import numpy as np
import pytest

from auditor.errors import is_out_of_memory, not_installed, reason


@pytest.fixture(scope="module")
def too_large() -> Exception:
    tf = pytest.importorskip("tensorflow")

    @tf.function
    def grow(x: object) -> object:
        return tf.reduce_sum(tf.tile(x, [1 << 20, 1 << 20]))

    with pytest.raises(tf.errors.OpError) as raised:
        grow(tf.zeros((1 << 10, 1 << 10)))
    return raised.value


def test_tensorflow_out_of_memory_is_told_from_its_words(too_large: Exception) -> None:
    assert is_out_of_memory(too_large)


def test_the_line_that_says_something_is_chosen(too_large: Exception) -> None:
    assert str(too_large).startswith("Graph execution error")
    assert reason(too_large).startswith("OOM when allocating tensor")


def test_numpy_out_of_memory() -> None:
    with pytest.raises(MemoryError) as raised:
        np.zeros(1 << 60, np.uint8)
    assert is_out_of_memory(raised.value)


def test_another_failure_is_not_out_of_memory() -> None:
    assert not is_out_of_memory(ValueError("no room in the class for this name"))
    assert reason(ValueError("first\nsecond")) == "first"
    assert reason(KeyError()) == "KeyError"


def test_a_missing_package_is_named_as_pip_knows_it() -> None:
    for module, package in (
        ("cryptography.x", "'securesystemslib[crypto]'"),
        ("cv2", "opencv-python"),
    ):
        error = ModuleNotFoundError("No module named 'x'", name=module)
        top = module.partition(".")[0]
        assert not_installed(error) == f"{top} is not installed: pip install {package}"
        assert reason(error) == not_installed(error)
    with pytest.raises(ModuleNotFoundError) as raised:
        import nobodys_package  # noqa: F401
    assert "'pip check'" in not_installed(raised.value)
    assert "pip install" not in not_installed(raised.value), "it could be anybody's"
    broken = ImportError("libGL.so.1: cannot open shared object file", name="cv2")
    assert not_installed(broken) == f"{broken}; run 'bdaudit doctor'"


def raised_by(act) -> Exception:
    with pytest.raises(Exception) as raised:  # noqa: PT011  # whatever Keras raises
        act()
    return raised.value


def test_keras_reason_comes_with_the_innermost_layer_and_not_its_arguments() -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    image = keras.Input((None, None, 3))
    inner = keras.Model(image, layers.Reshape((100,))(image))
    outer = keras.Sequential([keras.Input((None, None, 3)), inner])
    error = raised_by(lambda: outer(np.zeros((1, 8, 8, 3), np.float32)))
    assert str(error).startswith("Exception encountered when calling ")
    assert reason(error) == (
        "Reshape: The total size of the tensor must be unchanged. Received: "
        "input_shape=(8, 8, 3), target_shape=(100,)"
    )


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_what_only_the_author_could_do_is_not_advised(suffix: str, tmp_path) -> None:
    keras = pytest.importorskip("keras")

    class Unknown(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    image = keras.Input((16, 16, 3))
    path = tmp_path / f"m.{suffix}"
    keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(Unknown()(image)))).save(path)
    error = raised_by(lambda: keras.models.load_model(path, compile=False))
    assert "custom" in str(error)
    said = reason(error)
    assert "'Unknown'" in said
    assert said.endswith("; export the model to ONNX, or as a SavedModel with model.export(...)")
    for word in ("custom", "decorat", "register", "{", "scope"):
        assert word not in said


def test_neither_is_safe_mode() -> None:
    keras = pytest.importorskip("keras")
    config = keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x))
    error = raised_by(lambda: keras.saving.deserialize_keras_object(config, safe_mode=True))
    assert "safe_mode=False" in str(error)
    assert "safe" not in reason(error)
    assert "export the model to ONNX" in reason(error)


def test_tensorflow_reason_comes_without_its_place() -> None:
    tf = pytest.importorskip("tensorflow")

    @tf.function
    def check(x: object) -> object:
        return tf.debugging.check_numerics(x, "no number")

    error = raised_by(lambda: check(tf.constant([np.nan])))
    assert reason(error) == "no number : Tensor had NaN values"
    pooled = raised_by(lambda: tf.nn.max_pool2d(tf.zeros((1, 4, 4, 3)), 3, -1, "VALID"))
    assert "{{" not in reason(pooled)
    assert "[Op:" not in reason(pooled)

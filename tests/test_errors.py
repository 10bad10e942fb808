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

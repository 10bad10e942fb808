"""What libraries' exceptions come to: the ones they really raise."""

import numpy as np
import pytest

from auditor.failures import is_out_of_memory, reason


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

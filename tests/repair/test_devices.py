"""Where a repair runs: no GPU, too little memory, a batch that cannot be shared."""

import keras
import pytest

from auditor.errors import UsageError, WorkError
from auditor.repair.devices import Place, count_gpus, memory_advice, place

FAR_TOO_MUCH = 1 << 50


def test_a_gpu_that_is_not_there() -> None:
    if count_gpus():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match="--device gpu: .* sees no GPU; run 'bdaudit doctor'"):
        with place("gpu"):
            pass
    with place("auto") as where:
        assert where.gpus == 0


def test_memory_that_is_not_there_becomes_advice() -> None:
    """Asked of the backend itself, and refused by it in its own words."""
    with pytest.raises(WorkError, match="at --batch-size 128; try --batch-size 64, or --mixed"):
        with memory_advice(128):
            keras.ops.zeros((FAR_TOO_MUCH,), "float32")


def test_a_full_gpu_becomes_the_same_advice() -> None:
    for error in FULL_GPU[keras.backend.backend()]():
        with pytest.raises(WorkError, match="at --batch-size 1; try --batch-size 1, or --mixed"):
            with memory_advice(1):
                raise error


def tensorflow_errors() -> list[Exception]:
    import tensorflow as tf

    return [
        tf.errors.ResourceExhaustedError(
            None,
            None,
            "Graph execution error:\n\nOOM when allocating tensor with shape[256,64,224,224] and "
            "type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc",
        ),
        tf.errors.InternalError(None, None, "CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
    ]


def jax_errors() -> list[Exception]:
    import jax

    said = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 2147483648 bytes."
    return [jax.errors.JaxRuntimeError(said)]


def torch_errors() -> list[Exception]:
    import torch

    said = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 14.5 GiB"
    return [
        torch.OutOfMemoryError(said),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ]


FULL_GPU = {"tensorflow": tensorflow_errors, "jax": jax_errors, "torch": torch_errors}
"""What each backend raises when a GPU's memory is full."""


@pytest.mark.parametrize(
    "error", [ValueError("shapes differ"), WorkError("no room"), UsageError("no such layer")]
)
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        with memory_advice(8):
            raise error
    assert caught.value is error


def test_a_batch_that_gpus_cannot_share() -> None:
    with pytest.raises(UsageError, match="--batch-size 128: .* by 3 GPUs; try 129"):
        Place(3, "auto").check(128)
    for gpus in (0, 1, 2, 4, 8):
        Place(gpus, "auto").check(128)

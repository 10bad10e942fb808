"""What computes: no GPU, one that cannot be used, too little memory."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from auditor.errors import UsageError, WorkError
from auditor.figures.facts import Device
from auditor.models.devices import find, gpus_in_use, memory_advice, product_error
from tests.conftest import ROOT

FAR_TOO_MUCH = 1 << 50


def test_a_gpu_that_is_not_there() -> None:
    if gpus_in_use():
        pytest.skip("there is one")
    assert find("auto") == find("cpu") == Device()
    with pytest.raises(UsageError, match="--device gpu: this machine has no NVIDIA GPU; run 'bdau"):
        find("gpu")


def test_why_a_gpu_that_is_there_is_not_used() -> None:
    """The backend of these tests cannot use one; the driver, or the backend itself, says why."""
    if gpus_in_use():
        pytest.skip("it is used")
    unused = find("auto", there=True).unused
    assert "libcuda.so.1 cannot be loaded" in unused or "could not be started" in unused
    assert find("auto", there=True, hidden="CUDA_VISIBLE_DEVICES= hides it") == Device(
        (), "CUDA_VISIBLE_DEVICES= hides it"
    )
    several = find("auto", there=True, partly="one of 2 works").unused
    assert several == unused  # not even one works, which is another reason
    assert find("cpu", there=True, hidden="--device cpu").unused == "--device cpu"
    with pytest.raises(UsageError, match="--device gpu: the driver.*; run 'bdaudit doctor', or"):
        find("gpu", there=True)


def test_a_product_of_matrices_is_numpy_s() -> None:
    assert 0 <= product_error() < 1e-5


def test_a_backend_that_is_installed_and_broken(tmp_path: Path) -> None:
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise OSError('libbroken.so: no such file')")
    code = "from auditor.models.devices import find; find('auto')"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "WorkError: jax, the Keras backend, is installed but does not start: libb" in ran.stderr
    assert "no such file; run 'pip install --upgrade jax keras', or set KERAS_B" in ran.stderr


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

"""What computes: the CPU or GPUs, found out by having the Keras backend compute."""

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from auditor.errors import UsageError, WorkError, is_out_of_memory, reason
from auditor.figures.facts import Device
from auditor.models import cuda_driver
from auditor.text import printable


def start_keras() -> Any:
    """Import Keras and its backend; returns Keras.

    Raises:
        WorkError: One of them is installed, and broken.
    """
    try:
        return importlib.import_module("keras")
    except Exception as error:  # whatever an installation that is broken raises
        backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
        raise WorkError(
            f"{backend}, the Keras backend, is installed but does not start: {reason(error)}; run "
            f"'pip install --upgrade {backend} keras', or set KERAS_BACKEND to another"
        ) from error


def find(wanted: str, *, there: bool = False, hidden: str = "", partly: str = "") -> Device:
    """Find out what the Keras backend computes on, by having it compute.

    Args:
        wanted: `auto`, `cpu` or `gpu`. That the GPU is hidden for `cpu` is the caller's: the
            libraries look for it when they start.
        there: Whether this machine has a GPU.
        hidden: Why it was hidden from this process; empty where it was not.
        partly: Why some of several were; empty where none was.

    Raises:
        UsageError: `gpu`, and there is none to be used; with the reason.
        WorkError: There is a GPU, and computing on it fails.
    """
    start_keras()
    gpus = () if wanted == "cpu" else gpus_in_use()
    unused = partly if gpus else hidden
    if not gpus and not hidden and (there or wanted == "gpu"):
        unused = _why_not(there)
    if wanted == "gpu" and not gpus:
        raise UsageError(f"--device gpu: {unused}; run 'bdaudit doctor', or use --device auto")
    return Device(gpus, unused)


def gpus_in_use() -> tuple[str, ...]:
    """Return the names of the GPUs that the Keras backend computes on; empty for the CPU.

    Raises:
        WorkError: It has a GPU, and computing on it fails.
    """
    keras = start_keras()
    try:
        return _GPUS[keras.backend.backend()]()
    except Exception as error:  # whatever a backend raises for a GPU that does not work
        platforms = os.environ.get("JAX_PLATFORMS")
        asked = f" (JAX_PLATFORMS={printable(platforms, 40)})" if platforms else ""
        said = f"{type(error).__name__}: {reason(error)}" if str(error) else type(error).__name__
        raise WorkError(
            f"{keras.backend.backend()} cannot compute{asked}: {said}; use --device cpu"
        ) from error


def product_error() -> float:
    """Return how far the backend's product of two matrices is from NumPy's, relative to it.

    Of 512 × 512 float32 numbers from 0 to 1. TensorFloat-32, which GPUs may use, is some 1e-4 off.
    """
    import keras
    import numpy as np

    one, other = np.random.default_rng(0).random((2, 512, 512), np.float32)
    found = np.asarray(keras.ops.convert_to_numpy(keras.ops.matmul(one, other)), np.float64)
    expected = one.astype(np.float64) @ other.astype(np.float64)
    return float(np.abs(found / expected - 1).max())


def _tensorflow() -> tuple[str, ...]:
    import tensorflow as tf

    if "GPU" not in tf.add(1.0, 1.0).device:
        return ()
    details = tf.config.experimental.get_device_details
    return tuple(
        details(gpu).get("device_name", "unknown") for gpu in tf.config.list_physical_devices("GPU")
    )


def _jax() -> tuple[str, ...]:
    import jax

    (device,) = jax.numpy.add(1.0, 1.0).devices()
    return tuple(d.device_kind for d in jax.devices() if d.platform == device.platform == "gpu")


def _torch() -> tuple[str, ...]:
    import keras
    import torch

    if keras.ops.add(1.0, 1.0).device.type != "cuda":
        return ()
    return tuple(map(torch.cuda.get_device_name, range(torch.cuda.device_count())))


_GPUS: dict[str, Callable[[], tuple[str, ...]]] = {
    "tensorflow": _tensorflow,
    "jax": _jax,
    "torch": _torch,
}


def _why_not(there: bool) -> str:
    """Return why the backend computes on the CPU: the driver's reason, or its own."""
    import keras

    if not there:
        return "this machine has no NVIDIA GPU"
    if found := cuda_driver.problem():
        return found
    backend = keras.backend.backend()
    return f"{backend} sees none: {_OWN_REASON[backend]()}"


def _tensorflow_reason() -> str:
    import tensorflow as tf

    if not tf.test.is_built_with_cuda():
        return "it is built without CUDA"
    return "it cannot load CUDA's libraries; run pip install 'bdaudit[gpu]'"


def _jax_reason() -> str:
    import jax

    try:
        return f"{len(jax.devices('cuda'))} devices, none of them its default"
    except RuntimeError as error:
        return reason(error)


def _torch_reason() -> str:
    import torch

    try:
        torch.cuda.init()
    except (AssertionError, RuntimeError) as error:
        return reason(error)
    return "Keras was told to compute elsewhere"


_OWN_REASON: dict[str, Callable[[], str]] = {
    "tensorflow": _tensorflow_reason,
    "jax": _jax_reason,
    "torch": _torch_reason,
}


@contextmanager
def memory_advice(batch_size: int, otherwise: str = ", or --mixed-precision") -> Iterator[None]:
    """Turn running out of the device's memory into advice.

    Args:
        batch_size: The one that was too large.
        otherwise: What else may help.

    Raises:
        WorkError: With the batch size to try.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        less = max(1, batch_size // 2)
        raise WorkError(
            f"the device ran out of memory at --batch-size {batch_size}; "
            f"try --batch-size {less}{otherwise}"
        ) from error

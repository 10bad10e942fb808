"""Where a repair runs: one CPU, one GPU, or several GPUs at once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from auditor.errors import UsageError, WorkError
from auditor.failures import is_out_of_memory


@dataclass(frozen=True)
class Place:
    """What `fit` needs to know of the device.

    Attributes:
        gpus: Number of GPUs in use; 0 for the CPU.
        jit_compile: As Keras' `compile` takes it.
    """

    gpus: int
    jit_compile: bool | str

    def check(self, batch_size: int) -> None:
        """Refuse a batch that the GPUs cannot share evenly: its rows would not count alike.

        Raises:
            UsageError: With the nearest batch size that they can.
        """
        if self.gpus and batch_size % self.gpus:
            fit = max(1, round(batch_size / self.gpus)) * self.gpus
            raise UsageError(
                f"--batch-size {batch_size}: cannot be shared evenly by {self.gpus} GPUs; try {fit}"
            )


def count_gpus() -> int:
    """Return the number of GPUs that the Keras backend can use."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return len(tf.config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax

        return sum(device.platform == "gpu" for device in jax.devices())
    import torch

    return int(torch.cuda.device_count())


def here() -> Place:
    """Return the place that Keras uses by itself, for a model that is already built."""
    import keras

    gpus = min(1, count_gpus())
    return Place(gpus, "auto" if gpus or keras.backend.backend() != "tensorflow" else False)


@contextmanager
def place(device: str) -> Iterator[Place]:
    """Give the place to build and train a model in.

    Everything that makes variables must happen inside. On a CPU, operations are made deterministic,
    so that a resumed repair ends in the same bits; XLA, which is slower there under TensorFlow, is
    left out.

    Args:
        device: `auto`, `cpu` or `gpu`. That the GPU is hidden for `cpu` is the caller's: the
            libraries look for it when they start.

    Raises:
        UsageError: `gpu`, and the backend sees none.
    """
    import keras

    backend, gpus = keras.backend.backend(), 0 if device == "cpu" else count_gpus()
    if device == "gpu" and not gpus:
        raise UsageError(
            f"--device gpu: {backend} sees no GPU; run 'bdaudit doctor', or use --device auto"
        )
    if not gpus:
        if backend == "tensorflow":
            import tensorflow as tf

            tf.config.experimental.enable_op_determinism()
        yield Place(0, False if backend == "tensorflow" else "auto")
    elif gpus == 1 or backend == "torch":
        yield Place(1, "auto")
    else:
        with together():
            yield Place(gpus, "auto")


@contextmanager
def together(devices: Sequence[str] | None = None) -> Iterator[None]:
    """While open, variables are made on several devices, and `fit` gives each a share of a batch.

    Args:
        devices: Their names, `CPU:0` in TensorFlow and `cpu:0` in JAX; None for every GPU.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.distribute.MirroredStrategy(devices).scope():
            yield
    else:
        with keras.distribution.DataParallel(devices=devices).scope():
            yield


def feed(batches: Callable[[], Iterator[Any]]) -> Any:
    """Return what `fit` takes its batches from.

    On several devices, Keras under TensorFlow looks at some batches, then starts over: a generator
    would have lost them, and the training would have seen other rows.

    Args:
        batches: Gives tuples of arrays, all of one shape, from the first one on at every call.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return batches()
    import tensorflow as tf

    if not tf.distribute.has_strategy():
        return batches()
    signature = tuple(tf.TensorSpec(part.shape, part.dtype) for part in next(batches()))
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(1)


@contextmanager
def memory_advice(batch_size: int) -> Iterator[None]:
    """Turn running out of the device's memory into advice.

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
            f"try --batch-size {less}, or --mixed-precision"
        ) from error

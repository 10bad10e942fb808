"""Where a repair runs: one CPU, one GPU, or several GPUs at once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from auditor.errors import UsageError
from auditor.figures.facts import Device
from auditor.models.devices import gpus_in_use


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


def here() -> Place:
    """Return the place that Keras uses by itself, for a model that is already built."""
    return _place(min(1, len(gpus_in_use())))


@contextmanager
def place(device: Device) -> Iterator[Place]:
    """Give the place to build and train a model in.

    Everything that makes variables must happen inside. On a CPU, operations are made deterministic,
    so that a resumed repair ends in the same bits.

    Args:
        device: As `find` gives it.
    """
    import keras

    backend, gpus = keras.backend.backend(), len(device.gpus)
    if not gpus and backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    if gpus <= 1 or backend == "torch":
        yield _place(min(1, gpus))
    else:
        with together():
            yield _place(gpus)


def _place(gpus: int) -> Place:
    """Return the place of so many GPUs.

    TensorFlow goes without XLA: on a CPU it is slower there, and on a GPU it would start the
    assembler of PTX as a program, which the sandbox refuses.
    """
    import keras

    return Place(gpus, False if keras.backend.backend() == "tensorflow" else "auto")


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

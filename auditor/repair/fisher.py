"""The diagonal Fisher information: how much each weight matters to what the model knows.

F_i = E[(∂ log p(label | image) / ∂θ_i)²] over clean images (arXiv:2511.21291, eq. 2; Kirkpatrick et
al. 2017), one image's gradient at a time.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from auditor.models.classifier import Classifier
from auditor.repair.objective import CLEAN, Trainee, Weights, values
from auditor.repair.place import feed

MOST_IMAGES = 512


class _SquaredGradients(keras.optimizers.Optimizer):  # type: ignore[misc]
    """An optimizer that moves nothing and adds up the squares of the gradients it is given.

    So `fit` computes them, on every backend.
    """

    def __init__(self) -> None:
        super().__init__(learning_rate=0.0, name="squared_gradients")

    def build(self, variables: Any) -> None:
        if not self.built:
            super().build(variables)
            self.sums = [
                self.add_variable_from_reference(variable, name="sum") for variable in variables
            ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        total = self.sums[self._get_variable_index(variable)]
        self.assign_add(total, ops.square(ops.cast(gradient, total.dtype)))


def importance(
    classifier: Classifier,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    jit: bool | str,
    devices: int = 1,
) -> Weights:
    """Return F for every trainable weight, scaled to a mean of 1 so that β keeps its meaning.

    Args:
        classifier: The model; its weights stay as they are.
        images: (n, h, w, 3) uint8; the first 512 are used.
        labels: (n,).
        jit: As Keras' `jit_compile`.
        devices: How many share a batch; each is given the same image.
    """
    count = min(len(images), MOST_IMAGES)
    optimizer = _SquaredGradients()
    still = Trainee(
        classifier,
        clean_weight=1.0,
        anchor_weight=0.0,
        stamped_share=0.0,
        anchor=values(classifier.model.trainable_variables),
    )
    still.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit,
    )

    def rows() -> Iterator[tuple[Any, ...]]:
        while True:
            for i in range(count):
                one = np.full(devices, i)
                signs = np.full(len(one), CLEAN, np.float32)
                yield images[one], labels[one].astype(np.int32), signs

    still.fit(feed(rows), steps_per_epoch=count, epochs=1, verbose=0, shuffle=False)
    sums = values(optimizer.sums)
    mean = sum(float(s.sum()) for s in sums) / max(1, sum(s.size for s in sums))
    return [s / mean if mean > 0 else np.ones_like(s) for s in sums]

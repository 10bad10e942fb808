"""One step of inversion for several classes at once: a Keras model that trains stamps alone.

Per class c: mean over images x of other classes of CE(f((1 − m) x + m p), c) + cost_c · ‖m‖₁, over
the mask m in [0, 1] and the pattern p in [0, 255], both through a sigmoid (Wang et al. 2019, eq. 2
and 3). The classifier is called, not owned: its weights are no variables of this model.
"""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from auditor.models.classifier import Classifier

Floats = NDArray[np.float32]

MASK, PATTERN = "mask", "pattern"
"""The variables that are trained, before the sigmoid."""


class Inversion(keras.Model):  # type: ignore[misc]
    """The stamps of `count` classes in training: images and their labels in, nothing out.

    Attributes:
        aims: (count,) the classes.
        cost: (count,) weights of the masks' norms.
        hits: (count,) images led to the class since `begin`.
        shown: (count,) images of other classes stamped since `begin`.
        norm: (count,) L1 norms of the masks, summed over the steps since `begin`.
    """

    def __init__(self, classifier: Classifier, count: int, learning_rate: float) -> None:
        """Make room for `count` classes and compile.

        Args:
            classifier: What is to be led astray.
            count: Classes at once.
            learning_rate: Of Adam.
        """
        super().__init__(name="inversion")
        self._classifier, self._count = classifier, count
        height, width = classifier.size
        self.mask = self._room(MASK, (height, width, 1), trainable=True)
        self.pattern = self._room(PATTERN, (height, width, 3), trainable=True)
        self.aims = self._room("aims", (), dtype="int32")
        self.cost = self._room("cost", ())
        self.hits, self.shown = self._room("hits", ()), self._room("shown", ())
        self.norm = self._room("norm", ())
        self.compile(
            optimizer=keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.9),
            # XLA, which is slower on a CPU under TensorFlow, would compile for seconds a count.
            jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
        )
        self.optimizer.build(self.trainable_variables)

    def call(self, inputs: Any) -> Any:
        """Stamp (n, h, w, 3) images for every class, and add what is to be made small.

        The sum over classes is no mean: every class is optimised as if it were alone.
        """
        images, labels = inputs
        mask = ops.sigmoid(self.mask)[:, None]
        pattern = 255 * ops.sigmoid(self.pattern)[:, None]
        stamped = (1 - mask) * ops.cast(images, "float32")[None] + mask * pattern
        scores = self._classifier.scores(ops.reshape(stamped, (-1, *self._classifier.size, 3)))
        scores = ops.reshape(scores, (self._count, -1, self._classifier.classes))
        aims = ops.broadcast_to(self.aims[:, None], ops.shape(scores)[:2])
        others = ops.cast(ops.cast(labels, "int32")[None] != aims, "float32")
        missed = keras.losses.sparse_categorical_crossentropy(aims, scores, from_logits=True)
        count = ops.sum(others, axis=1)
        norm = ops.sum(mask, axis=(1, 2, 3, 4))
        led = ops.cast(ops.argmax(scores, axis=-1), "int32") == aims
        self.hits.assign_add(ops.sum(others * ops.cast(led, "float32"), axis=1))
        self.shown.assign_add(count)
        self.norm.assign_add(norm)
        loss = ops.sum(others * missed, axis=1) / ops.maximum(count, 1) + self.cost * norm
        self.add_loss(ops.sum(loss))
        return norm

    def slots(self) -> list[Any]:
        """Return the variables that a class's optimisation depends on, each (count, …)."""
        kept = [v for v in self.optimizer.variables if len(v.shape) == len(self.mask.shape)]
        return [self.mask, self.pattern, *kept]

    def begin(self, step: int) -> None:
        """Start to count anew, at a step of the optimisation."""
        self.optimizer.iterations.assign(step)
        for total in (self.hits, self.shown, self.norm):
            total.assign(np.zeros(self._count, np.float32))

    def _room(
        self, name: str, shape: tuple[int, ...], dtype: str = "float32", *, trainable: bool = False
    ) -> Any:
        return self.add_weight(
            name=name,
            shape=(self._count, *shape),
            dtype=dtype,
            initializer="zeros",
            trainable=trainable,
        )


def first(classes: list[int], size: tuple[int, int], seed: int) -> list[Floats]:
    """Return the first mask and pattern of some classes, before the sigmoid, and empty slots.

    Masks begin faint, about a tenth, so that the stamp grows where it helps; patterns gray. A
    class's numbers do not depend on which others there are.
    """
    height, width = size
    mask = np.empty((len(classes), height, width, 1), np.float32)
    for row, class_ in enumerate(classes):
        mask[row] = np.random.default_rng([seed, class_]).normal(-2.2, 0.5, mask.shape[1:])
    pattern = np.zeros((len(classes), height, width, 3), np.float32)
    return [mask, pattern, *(np.zeros_like(v) for v in (mask, mask, pattern, pattern))]

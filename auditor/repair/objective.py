"""The loss of a repair, as a Keras model that `fit` trains.

L = λ · CE(clean, label) − α · CE(stamped, target) + β · Σ_i F_i (θ_i − θ₀_i)²   (arXiv:2511.21291)

or, where stamped rows are to be recognised, with + CE(stamped, label) in place of the ascent.

A batch holds clean and stamped rows together; the sign of a row's sample weight says which it is.

The ascent is bounded: a cross-entropy grows without end, and an ascent that follows it drags
everything else along. A stamped row whose probability of the target has fallen below
`unlearned_below` has forgotten it and leaves the sum.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from auditor.models.classifier import Classifier

Weights = list[NDArray[np.float32]]

CLEAN, STAMPED = 1.0, -1.0
"""Sample weight of a clean and of a stamped row."""


class Trainee(keras.Model):  # type: ignore[misc]
    """A classifier in training: RGB bytes in, scores before softmax out.

    The network runs as it does when it is used (`training=False`): BatchNormalization keeps its
    statistics and Dropout rests, so a step is a function of weights and rows alone.

    Attributes:
        alpha: α, a variable; a callback moves it.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        clean_weight: float,
        anchor_weight: float,
        stamped_share: float,
        anchor: Weights,
        importance: Weights | None = None,
        truth_weight: float | None = None,
        unlearned_below: float = 0.0,
    ) -> None:
        """Wrap the classifier's own model: its weights are trained in place.

        Args:
            classifier: Whose weights are trained.
            clean_weight: λ.
            anchor_weight: β.
            stamped_share: Share of a batch's rows that are stamped, in [0, 1).
            anchor: θ₀, one array for each trainable weight.
            importance: F, the same shapes; None for 1 everywhere.
            truth_weight: Weight of the stamped rows where they are to be recognised, times α, which
                is 1 unless it is moved; None where they are led away from the target, by α.
            unlearned_below: Probability of the target at which a stamped row leaves the ascent; 0
                for never.
        """
        super().__init__(name="trainee")
        self.network = classifier.model
        self._classifier = classifier
        self._clean_weight, self._anchor_weight = clean_weight, anchor_weight
        self._stamped_share, self._truth_weight = stamped_share, truth_weight
        self._most_loss = -math.log(unlearned_below) if unlearned_below else math.inf
        start = 0.0 if truth_weight is None else 1.0
        self.alpha = self._constant("alpha", np.full((), start, np.float32))
        self._anchor = [self._constant(f"anchor_{i}", value) for i, value in enumerate(anchor)]
        self._importance = [
            self._constant(f"importance_{i}", value) for i, value in enumerate(importance or [])
        ]

    def call(self, images: Any) -> Any:
        """Return (n, classes) scores of (n, h, w, 3) uint8 images."""
        self.add_loss(self._anchor_weight * self.penalty())
        return self.scores(images)

    def scores(self, images: Any) -> Any:
        """Return (n, classes) scores whose softmax is what the model says."""
        return logits(self._classifier, self._classifier.scores(images))

    def penalty(self) -> Any:
        """Return Σ_i F_i (θ_i − θ₀_i)², a scalar."""
        moved = [
            ops.square(weight - start)
            for weight, start in zip(self.network.trainable_variables, self._anchor, strict=True)
        ]
        if self._importance:
            moved = [ops.multiply(*pair) for pair in zip(moved, self._importance, strict=True)]
        return sum(ops.sum(square) for square in moved)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss: Keras' own, with each row weighted by what it is.

        Keras divides the weighted sum by the number of all rows; dividing by the rows' share of the
        batch makes each term a mean over its own rows.
        """
        weights = ops.full_like(sample_weight, self._clean_weight / (1 - self._stamped_share))
        if self._stamped_share and self._truth_weight is not None:
            truth = self.alpha * self._truth_weight / self._stamped_share
            weights = ops.where(sample_weight > 0, weights, truth)
        elif self._stamped_share:
            learned = ops.cast(self._row_losses(y, y_pred) < self._most_loss, weights.dtype)
            ascent = -self.alpha / self._stamped_share * learned
            weights = ops.where(sample_weight > 0, weights, ascent)
        return super().compute_loss(x, y, y_pred, weights, training)

    @staticmethod
    def _row_losses(y: Any, y_pred: Any) -> Any:
        """Return (n,) cross-entropies, of classes or of chances."""
        if len(y.shape) == 2:
            return keras.losses.categorical_crossentropy(y, y_pred, from_logits=True)
        return keras.losses.sparse_categorical_crossentropy(y, y_pred, from_logits=True)

    def _constant(self, name: str, value: NDArray[np.float32]) -> Any:
        variable = self.add_weight(
            name=name, shape=value.shape, dtype="float32", initializer="zeros", trainable=False
        )
        variable.assign(value)
        return variable


def logits(classifier: Classifier, scores: Any) -> Any:
    """Return what the softmax of is what the model says: of one number, [-s, s], halves of it."""
    return scores / 2 if classifier.one_number else scores


def compiled(
    trainee: Trainee, optimizer: Any, *, soft: bool = False, jit_compile: bool | str = "auto"
) -> Trainee:
    """Compile with the cross-entropy of scores; returns it.

    Args:
        trainee: What is trained.
        optimizer: With what.
        soft: Whether rows are taught (n, classes) chances, not (n,) classes.
        jit_compile: As Keras takes it.
    """
    trainee.compile(optimizer=optimizer, loss=_cross_entropy(soft), jit_compile=jit_compile)
    return trainee


def _cross_entropy(soft: bool) -> Any:
    if soft:
        return keras.losses.CategoricalCrossentropy(from_logits=True)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def values(variables: Sequence[Any]) -> Weights:
    """Return variables' values as arrays of their own."""
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]

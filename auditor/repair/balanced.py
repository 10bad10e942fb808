"""`balanced`: the model learns not to see the trigger, and its own clean answers are the truth.

A backdoored model does its work on clean images, so what it makes of them is what is wanted of
stamped ones as well. It is its own teacher, on each clean image x and its stamped twin x*:

    L = λ · [CE(f(x), y) + α_t · CE(f(x*), y)] + γ · mean over stages of ‖F(x*) − F₀(x)‖² ÷ ‖F₀(x)‖²

y = (1 − s) · f₀(x) + s · label, with s the share of the labels. f₀ and F₀ are answers and features
of the model as it came, f and F those of the one in training; a stage is the last layer of one of
the two coarsest grids. α_t rises from 0 to 1 over the first half of the epochs.

First the features of the twins become those of the clean images, so that there is little left to
turn when their answers begin to count. Ascent and relabelling, which begin with the answers, first
learn to say anything but the target, of clean images as well, and then have to unlearn that.
"""

from typing import Any

import keras
from keras import ops

from auditor.models.classifier import Classifier
from auditor.repair.distillation import Student, coarsest
from auditor.repair.objective import Trainee, Weights
from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase
from auditor.repair.prepare import Prepared

BALANCING = "balancing"
STAGES = 2


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return the one phase."""

    def trainee(classifier: Classifier, teacher: Weights, **common: Any) -> Trainee:
        answers = options.clean_weight * (1 - options.label_share)
        weights = answers, options.feature_weight
        return Consistent(classifier, teacher, *weights, **common)

    return (
        Phase(
            name=BALANCING,
            epochs=options.epochs,
            clean_weight=options.clean_weight * options.label_share,
            beside="twin",
            alphas=rising(options.epochs),
            truth_weight=options.clean_weight * options.label_share,
            begin=_begin,
            trainee=trainee,
        ),
    )


def rising(epochs: int) -> tuple[float, ...]:
    """Return α of every epoch: from 0 to 1 over the first half, then 1."""
    return tuple(min(1.0, 2 * epoch / max(1, epochs)) for epoch in range(epochs))


def _begin(ready: Prepared, original: Weights) -> Weights:
    """Keep the model as it came: it is the teacher."""
    return original


class Consistent(Student):
    """A student that is to make of clean images, and of their twins, what its teacher does."""

    def __init__(
        self,
        classifier: Classifier,
        teacher: Weights,
        answers: float,
        features: float,
        **common: Any,
    ) -> None:
        """Wrap the classifier's model.

        Args:
            classifier: Whose weights are trained.
            teacher: Value of every variable of the model as it came.
            answers: λ.
            features: γ.
            common: As every `Trainee` takes.

        Raises:
            InputError: The model has no layer with rows and columns.
        """
        super().__init__(classifier, teacher, coarsest(classifier, STAGES, "balanced"), **common)
        self._answers, self._features = answers, features

    def call(self, images: Any) -> Any:
        """Return scores of (2n, h, w, 3) images, every clean one followed by its twin."""
        scores, features = self.student_looks(images)
        wanted, given = self.teacher_looks(images[0::2])
        said = ops.softmax(wanted)
        clean, twins = (
            ops.mean(keras.losses.categorical_crossentropy(said, own, from_logits=True))
            for own in (scores[0::2], scores[1::2])
        )
        parts = [apart(own[1::2], its) for own, its in zip(features, given, strict=True)]
        self.add_loss(self._answers * (clean + self.alpha * twins))
        self.add_loss(self._features * sum(parts) / len(parts))
        return scores


def apart(twins: Any, given: Any) -> Any:
    """Return how far features are apart, relative to the given ones: a mean over images, a scalar.

    Args:
        twins: (n, h, w, channels) of the stamped images.
        given: The same of the clean ones.
    """
    twins, given = ops.cast(twins, "float32"), ops.cast(given, "float32")
    axes = tuple(range(1, len(given.shape)))
    size = ops.sum(ops.square(given), axis=axes)
    return ops.mean(ops.sum(ops.square(twins - given), axis=axes) / (size + 1e-6))

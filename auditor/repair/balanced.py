"""`balanced`: the model learns not to see the trigger, and its own clean answers are the truth.

A backdoored model does its work on clean images, so what it makes of them is what is wanted of
stamped ones as well. It is its own teacher, on each clean image x and its stamped twin x*:

    L = λ · CE(f(x), y) + γ · D(F(x), F₀(x)) + w · [λ · α_t · CE(f'(x*), y) + γ · D(F'(x*), F₀(x))]

y = (1 − s) · f₀(x) + s · label, with s the share of the labels. f₀ and F₀ are answers and features
of the model as it came, f and F those of the one in training, f' and F' those on the way between
both: with the weights θ + ρ · (θ₀ − θ). D is the mean over stages of ‖F − F₀‖² ÷ ‖F₀‖²; a stage is
the last layer of one of the two coarsest grids. α_t rises from 0 to 1 over the first half of the
epochs; w is 1, and a fifth in recovery.

First the features of the twins become those of the clean images, so that there is little left to
turn when their answers begin to count. Ascent and relabelling, which begin with the answers, first
learn to say anything but the target, of clean images as well, and then have to unlearn that.

Stamped images are looked at on the way back, because a model that sees no trigger where it stands
may have it a step away: a few stamped images bring it back (Min et al., NeurIPS 2024,
arXiv:2410.09838, whose path-aware minimisation takes gradients there too). What does not answer to
the trigger even halfway to the weights that did is far from them.
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
from auditor.repair.result import RECOVERY

BALANCING = "balancing"
STAGES = 2
RECOVERING = 0.2
"""What stamped images weigh in recovery: enough that the trigger is not learned again."""


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return balancing, and recovery, in which stamped images weigh a fifth."""
    balancing = _phase(BALANCING, options.epochs, options, 1.0, rising(options.epochs))
    recovery = _phase(RECOVERY, options.recovery_epochs, options, RECOVERING)
    return (balancing, recovery) if options.recovery_epochs else (balancing,)


def _phase(
    name: str,
    epochs: int,
    options: RepairOptions,
    stamped: float,
    alphas: tuple[float, ...] = (),
) -> Phase:
    """Return a phase.

    Args:
        name: What it is called.
        epochs: How many.
        options: λ, γ, ρ and the share of the labels.
        stamped: What the stamped images weigh.
        alphas: α of every epoch; none for 1.
    """

    def trainee(classifier: Classifier, teacher: Weights, **common: Any) -> Trainee:
        return Consistent(
            classifier,
            teacher,
            answers=options.clean_weight * (1 - options.label_share),
            features=options.feature_weight,
            stamped=stamped,
            back=options.way_back,
            **common,
        )

    labels = options.clean_weight * options.label_share
    return Phase(
        name=name,
        epochs=epochs,
        clean_weight=labels,
        beside="twin",
        alphas=alphas,
        truth_weight=stamped * labels,
        begin=_begin,
        trainee=trainee,
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
        *,
        answers: float,
        features: float,
        stamped: float,
        back: float,
        **common: Any,
    ) -> None:
        """Wrap the classifier's model.

        Args:
            classifier: Whose weights are trained.
            teacher: Value of every variable of the model as it came.
            answers: λ.
            features: γ.
            stamped: w.
            back: ρ.
            common: As every `Trainee` takes.

        Raises:
            InputError: The model has no layer with rows and columns.
        """
        super().__init__(classifier, teacher, coarsest(classifier, STAGES, "balanced"), **common)
        self._answers, self._features = answers, features
        self._stamped, self._back = stamped, back

    def call(self, images: Any) -> Any:
        """Return scores of (2n, h, w, 3) images, every clean one followed by its twin."""
        clean, own = self.student_looks(images[0::2])
        twins, on_the_way = self.looks_on_the_way(images[1::2], self._back)
        wanted, given = self.teacher_looks(images[0::2])
        said = ops.softmax(wanted)
        of_clean, of_twins = (
            ops.mean(keras.losses.categorical_crossentropy(said, scores, from_logits=True))
            for scores in (clean, twins)
        )
        self.add_loss(self._answers * (of_clean + self._stamped * self.alpha * of_twins))
        features = _apart(own, given) + self._stamped * _apart(on_the_way, given)
        self.add_loss(self._features * features)
        return ops.reshape(ops.stack([clean, twins], axis=1), (-1, clean.shape[-1]))


def _apart(stages: list[Any], given: list[Any]) -> Any:
    """Return D of the features of every stage, a scalar."""
    parts = [apart(one, its) for one, its in zip(stages, given, strict=True)]
    return sum(parts) / len(parts)


def apart(features: Any, given: Any) -> Any:
    """Return how far features are apart, relative to the given ones: a mean over images, a scalar.

    Args:
        features: (n, h, w, channels).
        given: The same, of what they are held against.
    """
    features, given = ops.cast(features, "float32"), ops.cast(given, "float32")
    axes = tuple(range(1, len(given.shape)))
    size = ops.sum(ops.square(given), axis=axes)
    return ops.mean(ops.sum(ops.square(features - given), axis=axes) / (size + 1e-6))

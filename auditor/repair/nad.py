"""`nad`: neural attention distillation (Li et al. 2021, arXiv:2101.05930).

A teacher, the model fine-tuned on clean images, shows the model as it came where to look: beside
the cross-entropy, the distance of their attention maps is made small, stage by stage.
"""

from typing import Any

from keras import ops

from auditor.models.classifier import Classifier
from auditor.repair.distillation import Student, coarsest
from auditor.repair.objective import Trainee, Weights, values
from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase
from auditor.repair.prepare import Prepared
from auditor.repair.result import TEACHING

DISTILLING = "distilling"
STAGES = 3


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return the teacher's fine-tuning, and the distillation, which starts from the model again."""

    def trainee(classifier: Classifier, teacher: Weights, **common: Any) -> Trainee:
        return Distilled(classifier, teacher, options.attention_weight, **common)

    return (
        Phase(name=TEACHING, epochs=options.teacher_epochs),
        Phase(name=DISTILLING, epochs=options.epochs, begin=_begin, trainee=trainee),
    )


def _begin(ready: Prepared, original: Weights) -> Weights:
    """Keep the teacher's weights, and take the model's own again."""
    variables = ready.task.classifier.model.variables
    teacher = values(variables)
    for variable, value in zip(variables, original, strict=True):
        variable.assign(value)
    return teacher


class Distilled(Student):
    """A student whose attention is held to its teacher's."""

    def __init__(
        self, classifier: Classifier, teacher: Weights, weight: float, **common: Any
    ) -> None:
        """Wrap the classifier's model, the student.

        Args:
            classifier: Whose weights are trained.
            teacher: Value of every variable of the model, as the teacher has it.
            weight: β, of the attention's distance at each stage.
            common: As every `Trainee` takes.

        Raises:
            InputError: The model has no layer with rows and columns.
        """
        super().__init__(classifier, teacher, coarsest(classifier, STAGES, "nad"), **common)
        self._weight = weight

    def call(self, images: Any) -> Any:
        """Return scores, having added the attention's distance to the loss."""
        scores, own = self.student_looks(images)
        _, theirs = self.teacher_looks(images)
        apart = [distance(mine, its) for mine, its in zip(own, theirs, strict=True)]
        self.add_loss(self._weight * sum(apart))
        return scores


def distance(student: Any, teacher: Any) -> Any:
    """Return the mean squared difference of two batches' attention maps, a scalar."""
    return ops.mean(ops.square(attention(student) - attention(teacher)))


def attention(features: Any) -> Any:
    """Return (n, h, w) attention maps of (n, h, w, channels) features.

    Σ_c |F_c|², each map scaled to a length of 1 (eq. 1 with p = 2, eq. 3).
    """
    summed = ops.sum(ops.square(ops.cast(features, "float32")), axis=-1)
    length = ops.sqrt(ops.sum(ops.square(summed), axis=(1, 2), keepdims=True))
    return summed / (length + 1e-6)

"""A trainee with a teacher: the same network with other weights, seen stage by stage."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from auditor.errors import InputError
from auditor.models.classifier import Classifier, SpatialLayer, watched
from auditor.repair.objective import Trainee, Weights

Looks = tuple[Any, list[Any]]
"""(n, classes) scores, and what each stage makes of the images: (n, h, w, channels)."""


class Student(Trainee):
    """A trainee that is to become like its teacher in some way."""

    def __init__(
        self, classifier: Classifier, teacher: Weights, stages: list[SpatialLayer], **common: Any
    ) -> None:
        """Wrap the classifier's model, the student.

        Args:
            classifier: Whose weights are trained.
            teacher: Value of every variable of the model, as the teacher has it.
            stages: Where both are looked at.
            common: As every `Trainee` takes.
        """
        super().__init__(classifier, **common)
        self._stages = stages
        self._teacher = [
            self._constant(f"teacher_{i}", np.asarray(value)) for i, value in enumerate(teacher)
        ]

    def student_looks(self, images: Any) -> Looks:
        """Return what the network in training makes of (n, h, w, 3) uint8 images."""
        with seen(self._stages) as features:
            scores = super().call(images)
        return scores, features

    def teacher_looks(self, images: Any) -> Looks:
        """Return what the teacher makes of them, as something given: no gradient runs into it."""
        weights = [ops.convert_to_tensor(value) for value in self._teacher]
        scores, features = self._looks_with(weights, images)
        return ops.stop_gradient(scores), [ops.stop_gradient(part) for part in features]

    def looks_on_the_way(self, images: Any, back: float) -> Looks:
        """Return what the network makes of them with weights on the line between both.

        Gradients run into the network's own weights.

        Args:
            images: (n, h, w, 3) uint8.
            back: Share of the way from the network in training to its teacher, in [0, 1).
        """
        both = zip(self.network.variables, self._teacher, strict=True)
        weights = [own + back * (ops.convert_to_tensor(its) - own) for own, its in both]
        return self._looks_with(weights, images)

    def _looks_with(self, weights: list[Any], images: Any) -> Looks:
        mapping = list(zip(self.network.variables, weights, strict=True))
        with keras.StatelessScope(state_mapping=mapping), seen(self._stages) as features:
            scores = self.scores(images)
        return scores, features


def coarsest(classifier: Classifier, count: int, method: str) -> list[SpatialLayer]:
    """Return the last layer of each of the coarsest grids: where the last stages end.

    Args:
        classifier: The model.
        count: Stages at most.
        method: The method that needs them, for the error.

    Raises:
        InputError: There is none.
    """
    last = {layer.grid: layer for layer in classifier.spatial_layers()}
    if not last:
        raise InputError(
            f"--method {method}: the model has no layer with rows and columns, which it needs; "
            "try --method relabel"
        )
    grids = sorted(last, key=lambda grid: grid[0] * grid[1])[:count]
    return [last[grid] for grid in grids]


@contextmanager
def seen(layers: list[SpatialLayer]) -> Iterator[list[Any]]:
    """While open, gather what the layers give; the list is filled, in their order, at the end."""
    outputs: dict[int, Any] = {}

    def keep(number: int, output: Any) -> Any:
        outputs[number] = output
        return output

    found: list[Any] = []
    with watched([(layer.layer, partial(keep, i)) for i, layer in enumerate(layers)]):
        yield found
    found.extend(layer.channels_last(outputs[i]) for i, layer in enumerate(layers))

"""How often a model is right on some images, whichever order its classes are in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset
from auditor.data.class_order import ClassOrder
from auditor.figures.metrics import balanced
from auditor.figures.results import Balanced

Ints = NDArray[np.int64]

FAR_BETTER = 0.2


@dataclass(frozen=True)
class Right:
    """How often a model is right on some images.

    Attributes:
        each: Of each class, on average: by it is decided, so that one class, however frequent, is
            no sign of anything.
        share: Of all images, as people are told.
        hits: (n,) of each image, whether.
    """

    each: Balanced
    share: float
    hits: NDArray[np.bool_]

    @property
    def is_useful(self) -> bool:
        """Whether it is far better than to guess, or than to say one class of every image."""
        return self.reaches(FAR_BETTER)

    def reaches(self, share: float) -> bool:
        """Whether it is at least such a share of the way from guessing to all."""
        chance = 1 / self.each.classes
        return self.each.value >= chance + share * (1 - chance)

    def is_far_better(self, other: "Right") -> bool:
        """Whether it is so by a fifth, and surely."""
        surely = self.each.low > other.each.high
        return surely and self.each.value >= other.each.value + FAR_BETTER


@dataclass(frozen=True)
class Answers:
    """What a model makes of some images: labels and predictions, int64 (n,)."""

    labels: Ints
    predicted: Ints

    def right(self, numbers: Ints | None = None) -> Right:
        """How many are right, each label taken for `numbers[label]`."""
        hits = (self.labels if numbers is None else numbers[self.labels]) == self.predicted
        each = balanced(hits, self.labels)
        assert isinstance(each, Balanced)
        return Right(each, float(hits.mean()), hits)


Tried = tuple[Right, ClassOrder | None]


def in_each_order(dataset: Dataset, answers: Answers) -> list[Tried]:
    """Return how often the model is right by each order; by none where there is only one."""
    if not dataset.orders:
        return [(answers.right(), None)]
    names = dataset.class_names or ()
    return [(answers.right(order.numbers(names)), order) for order in dataset.orders]


def best_of(orders: Sequence[Tried]) -> Tried:
    """Return the order by which the model is right most often."""
    return max(orders, key=lambda pair: pair[0].each.value)

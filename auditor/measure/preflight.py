"""Whether a model and its images go together: the input range, and the order of the classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, sample
from auditor.data.class_order import ClassOrder
from auditor.data.ordered import Ordered
from auditor.errors import InputError, UsageError
from auditor.figures.metrics import balanced
from auditor.figures.results import Balanced
from auditor.measure.attention import GradCam
from auditor.measure.log_odds import check_log_odds
from auditor.models.classifier import Classifier
from auditor.models.input_range import COMMON, InputRange
from auditor.text import printable

Ints = NDArray[np.int64]

SAMPLE = 256
_FAR_BETTER = 0.2


@dataclass(frozen=True)
class _Answers:
    """What a model makes of some images: labels and predictions, int64 (n,).

    Attributes:
        last: (n,) scores of the last class.
    """

    labels: Ints
    predicted: Ints
    last: NDArray[np.float32]

    def right(self, numbers: Ints | None = None) -> "_Right":
        """How many are right, each label taken for `numbers[label]`."""
        hits = (self.labels if numbers is None else numbers[self.labels]) == self.predicted
        each = balanced(hits, self.labels)
        assert isinstance(each, Balanced)
        return _Right(each, float(hits.mean()), len(hits))


@dataclass(frozen=True)
class _Right:
    """How often a model is right on some images.

    Attributes:
        each: Of each class, on average: by it is decided, so that one class, however frequent, is
            no sign of anything.
        share: Of all images, as people are told.
        images: How many they are.
    """

    each: Balanced
    share: float
    images: int


_Tried = tuple[_Right, ClassOrder | None]


def settled(
    classifier: Classifier,
    dataset: Dataset,
    batch_size: int,
    seed: int,
    look: GradCam | None = None,
) -> Dataset:
    """Return the images with their classes in the order that the model was trained with.

    A model that answers near chance is not measured where something else explains it: another
    input range, or classes that it tells apart and numbers otherwise.

    Args:
        classifier: The model.
        dataset: Labelled images.
        batch_size: Images a step.
        seed: Seed of the sample.
        look: A look at the model that is compiled anyway; None for one of its own.

    Raises:
        UsageError: Names the range with which the model does far better.
        InputError: The order of the classes is open, and the model's answers do not settle it; or
            it tells the classes apart, but numbers them otherwise; or its one number is not the
            log-odds of class 1.
    """
    answers = _answers(classifier, dataset, batch_size, seed, look)
    tried = _tried(dataset, answers)
    best, order = _best(tried)
    useful = _is_useful(best)
    if classifier.log_odds:  # first: with another range, a quantity may happen to be right
        numbers = order.numbers(dataset.class_names or ()) if order else np.arange(2)
        check_log_odds(numbers[answers.labels], answers.last, printable(dataset.source))
    if best.each.value < 1 - _FAR_BETTER:  # else no other range can be far better
        _check_range(classifier, dataset, batch_size, seed, best)
    if order is None:
        if not useful:
            _check_numbering(dataset, answers, best)
        return dataset
    others = [(right, one) for right, one in tried if one is not order]
    if not useful or best.each.low <= max(right.each.high for right, _ in others):
        raise InputError(
            f"{printable(dataset.source)}: its class folders can be taken in two orders, and of "
            f"{best.images} images the model gets right {_told(tried)}, which does not settle it; "
            "give --class-order name, number, or a file with a class on each line"
        )
    why = (
        f"{order.said}, as the answers have it: {_percent(best.share)} of {best.images} "
        f"images are right so, {_told(others)}"
    )
    return Ordered(dataset, ClassOrder(order.names, why))


def _is_useful(right: _Right) -> bool:
    """Whether a model is far better than to guess, or than to say one class of every image."""
    chance = 1 / right.each.classes
    return right.each.value >= chance + _FAR_BETTER * (1 - chance)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _tried(dataset: Dataset, answers: _Answers) -> list[_Tried]:
    """Return how often the model is right by each order; by none where there is only one."""
    if not dataset.orders:
        return [(answers.right(), None)]
    names = dataset.class_names or ()
    return [(answers.right(order.numbers(names)), order) for order in dataset.orders]


def _best(tried: Sequence[_Tried]) -> _Tried:
    return max(tried, key=lambda pair: pair[0].each.value)


def _told(tried: Sequence[_Tried]) -> str:
    return " and ".join(f"{_percent(right.share)} {order.said}" for right, order in tried if order)


def _check_range(
    classifier: Classifier, dataset: Dataset, batch_size: int, seed: int, chosen: _Right
) -> None:
    """Stop where another common input range does far better."""
    others = [r for r in COMMON if r.name != classifier.input_range.name and _fits(r, classifier)]
    tried = []
    for other in others:
        answers = _answers(replace(classifier, input_range=other), dataset, batch_size, seed)
        tried.append((_best(_tried(dataset, answers))[0], other.name))
    best, name = max(tried, key=lambda pair: pair[0].each.value)
    if _is_useful(best) and _is_far_better(best, chosen):
        raise UsageError(
            f"--input-range {classifier.input_range.name}: clean accuracy is "
            f"{_percent(chosen.share)} on {chosen.images} images (chance is "
            f"{_percent(1 / classifier.classes)}), but {_percent(best.share)} with {name}; run "
            f"again with --input-range {name}"
        )


def _is_far_better(one: _Right, other: _Right) -> bool:
    surely = one.each.low > other.each.high
    return surely and one.each.value >= other.each.value + _FAR_BETTER


def _check_numbering(dataset: Dataset, answers: _Answers, chosen: _Right) -> None:
    """Stop where the model tells the classes apart, but numbers them otherwise.

    What it calls each class is read off every other image of it, and judged on the rest.
    """
    order = np.argsort(answers.labels, kind="stable")
    read, judged = (
        _Answers(answers.labels[part], answers.predicted[part], answers.last[part])
        for part in (order[0::2], order[1::2])
    )
    called = np.full(int(answers.labels.max()) + 1, -1, np.int64)
    for label in np.unique(read.labels):
        called[label] = np.bincount(read.predicted[read.labels == label]).argmax()
    known = called[called >= 0]
    if not len(judged.labels) or len(np.unique(known)) < len(known):
        return  # two classes of one name: it does not tell them apart
    otherwise = judged.right(called)
    if _is_far_better(otherwise, chosen):
        raise InputError(
            f"{printable(dataset.source)}: clean accuracy is {_percent(chosen.share)} on "
            f"{chosen.images} images, but the model tells the classes apart: "
            f"{_percent(otherwise.share)} if each is "
            "called what the model calls it; its classes are numbered in another order. Put them "
            "in the model's: --class-order, or y and class_names of an .npz file"
        )


def _answers(
    classifier: Classifier,
    dataset: Dataset,
    batch_size: int,
    seed: int,
    look: GradCam | None = None,
) -> _Answers:
    look = look or GradCam(classifier, None, frozen=True)
    drawn = sample(dataset, SAMPLE, seed)
    batches = dataset.batches(drawn, classifier.size, batch_size)
    asked = ((batch.labels, batch.images, 0) for batch in batches if len(batch.labels))
    found = [(labels, seen.predicted, seen.scores[:, -1]) for labels, seen in look.each(asked)]
    if not found:
        raise InputError(f"{printable(dataset.source)}: no image could be read")
    return _Answers(*(np.concatenate(part) for part in zip(*found, strict=True)))


def _fits(input_range: InputRange, classifier: Classifier) -> bool:
    return len(input_range.shift) in (1, classifier.channels)

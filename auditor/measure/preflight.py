"""Whether a model and its images go together: the input range, and the order of the classes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, sample
from auditor.data.class_order import ClassOrder
from auditor.data.ordered import Ordered
from auditor.errors import InputError, UsageError
from auditor.figures.metrics import wilson
from auditor.figures.results import Rate
from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier
from auditor.models.input_range import COMMON, InputRange
from auditor.text import printable

Ints = NDArray[np.int64]

SAMPLE = 256
_FAR_BETTER = 0.2


@dataclass(frozen=True)
class _Answers:
    """What a model makes of some images: labels and predictions, int64 (n,)."""

    labels: Ints
    predicted: Ints

    def rate(self, numbers: Ints | None = None) -> Rate:
        """How many are right, each label taken for `numbers[label]`."""
        labels = self.labels if numbers is None else numbers[self.labels]
        found = wilson(int((labels == self.predicted).sum()), len(labels))
        assert isinstance(found, Rate)
        return found


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
            it tells the classes apart, but numbers them otherwise.
    """
    answers = _answers(classifier, dataset, batch_size, seed, look)
    best, order = _best(dataset, answers)
    useful = _useful(classifier)
    if best.value < useful:
        _check_range(classifier, dataset, batch_size, seed, best)
    if order is None:
        if best.value < useful:
            _check_numbering(dataset, answers, best)
        return dataset
    tried = [(answers.rate(_numbers(dataset, one)), one) for one in dataset.orders]
    said = " and ".join(f"{rate.value:.1%} {one.said}" for rate, one in tried)
    others = max(rate.high for rate, one in tried if one is not order)
    if best.value < useful or best.low <= others:
        raise InputError(
            f"{printable(dataset.source)}: its class folders can be taken in two orders, and of "
            f"{best.n} images the model gets right {said}, which does not settle it; give "
            "--class-order name, number, or a file with a class on each line"
        )
    others_said = " and ".join(f"{r.value:.1%} {one.said}" for r, one in tried if one is not order)
    why = f"{order.said}: {best.value:.1%} of {best.n} images are right so, {others_said}"
    return Ordered(dataset, ClassOrder(order.names, why))


def _useful(classifier: Classifier) -> float:
    chance = 1 / classifier.classes
    return chance + _FAR_BETTER * (1 - chance)


def _best(dataset: Dataset, answers: _Answers) -> tuple[Rate, ClassOrder | None]:
    """Return the order that most answers agree with; None where there is only one."""
    if not dataset.orders:
        return answers.rate(), None
    tried = [(answers.rate(_numbers(dataset, order)), order) for order in dataset.orders]
    return max(tried, key=lambda pair: pair[0].value)


def _numbers(dataset: Dataset, order: ClassOrder) -> Ints:
    return order.numbers(dataset.class_names or ())


def _check_range(
    classifier: Classifier, dataset: Dataset, batch_size: int, seed: int, chosen: Rate
) -> None:
    """Stop where another common input range does far better."""
    others = [r for r in COMMON if r.name != classifier.input_range.name and _fits(r, classifier)]
    tried = []
    for other in others:
        answers = _answers(replace(classifier, input_range=other), dataset, batch_size, seed)
        tried.append((_best(dataset, answers)[0], other.name))
    best, name = max(tried, key=lambda pair: pair[0].value)
    useful, chance = _useful(classifier), 1 / classifier.classes
    if best.low > chosen.high and best.value >= max(useful, chosen.value + _FAR_BETTER):
        raise UsageError(
            f"--input-range {classifier.input_range.name}: clean accuracy is {chosen.value:.1%} on "
            f"{chosen.n} images (chance is {chance:.1%}), but {best.value:.1%} with {name}; "
            f"run again with --input-range {name}"
        )


def _check_numbering(dataset: Dataset, answers: _Answers, chosen: Rate) -> None:
    """Stop where the model tells the classes apart, but numbers them otherwise.

    What it calls each class is read off every other image, and judged on the rest.
    """
    read, judged = (_Answers(answers.labels[i::2], answers.predicted[i::2]) for i in (0, 1))
    called = np.full(int(answers.labels.max()) + 1, -1, np.int64)
    for label in np.unique(read.labels):
        called[label] = np.bincount(read.predicted[read.labels == label]).argmax()
    known = called[called >= 0]
    if not len(judged.labels) or len(np.unique(known)) < len(known):
        return  # two classes of one name: it does not tell them apart
    otherwise = judged.rate(called)
    if otherwise.low > chosen.high and otherwise.value >= chosen.value + _FAR_BETTER:
        raise InputError(
            f"{printable(dataset.source)}: clean accuracy is {chosen.value:.1%} on {chosen.n} "
            f"images, but the model tells the classes apart: {otherwise.value:.1%} if each is "
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
    found = [(labels, seen.predicted) for labels, seen in look.each(asked)]
    if not found:
        raise InputError(f"{printable(dataset.source)}: no image could be read")
    labels, predicted = (np.concatenate(part) for part in zip(*found, strict=True))
    return _Answers(labels, predicted)


def _fits(input_range: InputRange, classifier: Classifier) -> bool:
    return len(input_range.shift) in (1, classifier.channels)

"""Whether a model and its images go together: the input range, and the order of the classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, sample
from auditor.data.class_order import ClassOrder
from auditor.data.ordered import Ordered
from auditor.errors import InputError, UsageError
from auditor.figures.metrics import percent
from auditor.measure.answers import (
    FAR_BETTER,
    Answers,
    Right,
    Tried,
    best_of,
    in_each_order,
)
from auditor.measure.attention import GradCam
from auditor.measure.log_odds import check_log_odds
from auditor.measure.ranges import fitting
from auditor.models.classifier import Classifier
from auditor.text import printable

SAMPLE = 256


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
    answers, last = _answers(classifier, dataset, batch_size, seed, look)
    tried = in_each_order(dataset, answers)
    best, order = best_of(tried)
    if classifier.log_odds:  # first: with another range, a quantity may happen to be right
        numbers = order.numbers(dataset.class_names or ()) if order else np.arange(2)
        check_log_odds(numbers[answers.labels], last, printable(dataset.source))
    if best.each.value < 1 - FAR_BETTER:  # else no other range can be far better
        _check_range(classifier, dataset, batch_size, seed, best)
    if order is None:
        if not best.is_useful:
            _check_numbering(dataset, answers, best)
        return dataset
    others = [(right, one) for right, one in tried if one is not order]
    if not best.is_useful or best.each.low <= max(right.each.high for right, _ in others):
        raise InputError(
            f"{printable(dataset.source)}: its classes can be taken in two orders, and of "
            f"{len(best.hits)} images the model gets right {_told(tried)}, which does not settle "
            "it; give --class-order name, number, or a file with a class on each line"
        )
    why = (
        f"{order.said}, as the answers have it: {percent(best.share)} of {len(best.hits)} "
        f"images are right so, {_told(others)}"
    )
    return Ordered(dataset, ClassOrder(order.names, why))


def _told(tried: Sequence[Tried]) -> str:
    return " and ".join(f"{percent(right.share)} {order.said}" for right, order in tried if order)


def _check_range(
    classifier: Classifier, dataset: Dataset, batch_size: int, seed: int, chosen: Right
) -> None:
    """Stop where another common input range does far better."""
    drawn, least = sample(dataset, SAMPLE, seed), chosen.each.value + FAR_BETTER
    fit = fitting(classifier, dataset, drawn, batch_size, seed, least)
    if fit and fit.is_convincing and fit.right.is_far_better(chosen):
        raise UsageError(
            f"--input-range {classifier.input_range.short}: clean accuracy is "
            f"{percent(chosen.share)} on {len(chosen.hits)} images (chance is "
            f"{percent(1 / classifier.classes)}), but {fit.said}; right is what the model was "
            f"trained with: if that is it, run again with --input-range {fit.input_range.short}"
        )


def _check_numbering(dataset: Dataset, answers: Answers, chosen: Right) -> None:
    """Stop where the model tells the classes apart, but numbers them otherwise.

    What it calls each class is read off every other image of it, and judged on the rest.
    """
    order = np.argsort(answers.labels, kind="stable")
    read, judged = (
        Answers(answers.labels[part], answers.predicted[part])
        for part in (order[0::2], order[1::2])
    )
    called = np.full(int(answers.labels.max()) + 1, -1, np.int64)
    for label in np.unique(read.labels):
        called[label] = np.bincount(read.predicted[read.labels == label]).argmax()
    known = called[called >= 0]
    if not len(judged.labels) or len(np.unique(known)) < len(known):
        return  # two classes of one name: it does not tell them apart
    otherwise = judged.right(called)
    if otherwise.is_far_better(chosen):
        raise InputError(
            f"{printable(dataset.source)}: clean accuracy is {percent(chosen.share)} on "
            f"{len(chosen.hits)} images, but the model tells the classes apart: "
            f"{percent(otherwise.share)} if each is "
            "called what the model calls it; its classes are numbered in another order. Put them "
            "in the model's: --class-order, or y and class_names of an .npz file"
        )


def _answers(
    classifier: Classifier,
    dataset: Dataset,
    batch_size: int,
    seed: int,
    look: GradCam | None = None,
) -> tuple[Answers, NDArray[np.float32]]:
    """Return what the model makes of a sample, and its (n,) scores of the last class."""
    look = look or GradCam(classifier, None, frozen=True)
    drawn = sample(dataset, SAMPLE, seed)
    batches = dataset.batches(drawn, classifier.size, batch_size)
    asked = ((batch.labels, batch.images, 0) for batch in batches if len(batch.labels))
    found = [(labels, seen.predicted, seen.scores[:, -1]) for labels, seen in look.each(asked)]
    if not found:
        raise InputError(f"{printable(dataset.source)}: no image could be read")
    labels, predicted, last = (np.concatenate(part) for part in zip(*found, strict=True))
    return Answers(labels, predicted), last

"""Whether the input range is one that the model can have been trained with, on a sample."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.attention import GradCam
from auditor.data.base import Batch, Dataset, sample
from auditor.errors import InputError, UsageError
from auditor.metrics import wilson
from auditor.models.classifier import Classifier
from auditor.models.input_range import COMMON, InputRange
from auditor.results import Rate
from auditor.text import printable

RANGE_SAMPLE = 256
_FAR_BETTER = 0.2


def check_input_range(classifier: Classifier, dataset: Dataset, batch_size: int, seed: int) -> None:
    """Stop when the model answers near chance and another common input range does far better.

    Raises:
        UsageError: Names that range.
    """
    chosen = _accuracy(classifier, dataset, batch_size, seed)
    chance = 1 / classifier.classes
    useful = chance + _FAR_BETTER * (1 - chance)
    if chosen.value >= useful:
        return
    others = [r for r in COMMON if r.name != classifier.input_range.name and _fits(r, classifier)]
    tried = [
        (_accuracy(replace(classifier, input_range=other), dataset, batch_size, seed), other.name)
        for other in others
    ]
    best, name = max(tried, key=lambda pair: pair[0].value)
    if best.low > chosen.high and best.value >= max(useful, chosen.value + _FAR_BETTER):
        raise UsageError(
            f"--input-range {classifier.input_range.name}: clean accuracy is {chosen.value:.1%} on "
            f"{chosen.n} images (chance is {chance:.1%}), but {best.value:.1%} with {name}; "
            f"run again with --input-range {name}"
        )


def _sampled(
    dataset: Dataset, classifier: Classifier, limit: int, batch_size: int, seed: int
) -> Iterator[Batch]:
    for batch in dataset.batches(sample(dataset, limit, seed), classifier.size, batch_size):
        if len(batch.labels):
            yield batch


def _accuracy(classifier: Classifier, dataset: Dataset, batch_size: int, seed: int) -> Rate:
    look, hits, n = GradCam(classifier, None, frozen=True), 0, 0
    for batch in _sampled(dataset, classifier, RANGE_SAMPLE, batch_size, seed):
        predicted: NDArray[np.int64] = look(batch.images, 0).predicted
        hits, n = hits + int((predicted == batch.labels).sum()), n + len(predicted)
    rate = wilson(hits, n)
    if not isinstance(rate, Rate):
        raise InputError(f"{printable(dataset.source)}: no image could be read")
    return rate


def _fits(input_range: InputRange, classifier: Classifier) -> bool:
    return len(input_range.shift) in (1, classifier.channels)

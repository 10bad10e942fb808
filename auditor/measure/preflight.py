"""Whether the input range is one that the model can have been trained with, on a sample."""

from dataclasses import replace

from auditor.data.base import Dataset, sample
from auditor.errors import InputError, UsageError
from auditor.figures.metrics import wilson
from auditor.figures.results import Rate
from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier
from auditor.models.input_range import COMMON, InputRange
from auditor.text import printable

RANGE_SAMPLE = 256
_FAR_BETTER = 0.2


def check_input_range(
    classifier: Classifier,
    dataset: Dataset,
    batch_size: int,
    seed: int,
    look: GradCam | None = None,
) -> None:
    """Stop when the model answers near chance and another common input range does far better.

    Args:
        classifier: The model.
        dataset: Labelled images.
        batch_size: Images a step.
        seed: Seed of the sample.
        look: A look at the model that is compiled anyway; None for one of its own.

    Raises:
        UsageError: Names that range.
    """
    chosen = _accuracy(classifier, dataset, batch_size, seed, look)
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


def _accuracy(
    classifier: Classifier,
    dataset: Dataset,
    batch_size: int,
    seed: int,
    look: GradCam | None = None,
) -> Rate:
    look, hits, n = look or GradCam(classifier, None, frozen=True), 0, 0
    drawn = sample(dataset, RANGE_SAMPLE, seed)
    batches = dataset.batches(drawn, classifier.size, batch_size)
    asked = ((batch.labels, batch.images, 0) for batch in batches if len(batch.labels))
    for labels, seen in look.each(asked):
        hits, n = hits + int((seen.predicted == labels).sum()), n + len(labels)
    rate = wilson(hits, n)
    if not isinstance(rate, Rate):
        raise InputError(f"{printable(dataset.source)}: no image could be read")
    return rate


def _fits(input_range: InputRange, classifier: Classifier) -> bool:
    return len(input_range.shift) in (1, classifier.channels)

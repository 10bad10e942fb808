"""How often the trigger's neighbours turn images to the target class."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset
from auditor.errors import UsageError
from auditor.figures.metrics import wilson
from auditor.figures.results import Neighbour, Rate
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.many_stamps import looks
from auditor.measure.tally import broken_images, broken_scores
from auditor.models.classifier import Classifier
from auditor.triggers.base import Trigger
from auditor.triggers.neighbours import Placed, neighbours

PHASE = "trying the trigger's neighbours"


def try_neighbours(
    classifier: Classifier,
    dataset: Dataset,
    trigger: Trigger,
    target: Target,
    indices: NDArray[np.int64],
    batch_size: int,
    progress: Callable[[str, int, int], None],
) -> tuple[Neighbour, ...]:
    """Measure ASR of every neighbour on the same images.

    Args:
        classifier: The model.
        dataset: Labelled images.
        trigger: The trigger whose neighbours are tried.
        target: Where the backdoor leads; images that it leads nowhere are passed over.
        indices: (n,) positions in the data.
        batch_size: Images a step.
        progress: Told how many stamped images are done, of all neighbours together.
    """
    found = [(name, _usable(one, trigger, classifier.size)) for name, one in neighbours(trigger)]
    stamps = {name: one for name, one in found if not isinstance(one, Skipped)}
    labels = dataset.labels[indices]
    victims = indices[labels != target.of(labels)]
    hits, broken, n = (dict.fromkeys(stamps, 0) for _ in range(3))
    tell = partial(progress, PHASE)
    for name, truth, seen in looks(classifier, dataset, victims, stamps, batch_size, tell):
        n[name] += len(truth)
        hits[name] += int((seen.predicted == target.of(truth)).sum())
        broken[name] += int(broken_scores(seen).sum())

    def asr(name: str) -> Rate | Skipped:
        return broken_images(broken[name]) if broken[name] else wilson(hits[name], n[name])

    return tuple(
        Neighbour(name, one if isinstance(one, Skipped) else asr(name)) for name, one in found
    )


def _usable(one: Placed | Skipped, trigger: Trigger, size: tuple[int, int]) -> Placed | Skipped:
    """Return the neighbour, or why it is none in images of (h, w) `size`."""
    if isinstance(one, Skipped):
        return one
    try:
        one.mask(size)
    except UsageError:
        return Skipped("it does not fit into the image")
    probe = np.stack([np.zeros((*size, 3), np.uint8), np.full((*size, 3), 255, np.uint8)])
    if (one.stamp(probe) == trigger.stamp(probe)).all():
        return Skipped("at this image size it is the trigger itself")
    return one

"""How often the trigger's neighbours turn images to the target class."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auditor.attention import GradCam
from auditor.data.base import Dataset
from auditor.errors import UsageError
from auditor.measure.tally import broken_images, broken_scores
from auditor.metrics import wilson
from auditor.models.classifier import Classifier
from auditor.results import Neighbour, Rate, Skipped
from auditor.target import Target
from auditor.triggers.base import Trigger
from auditor.triggers.neighbours import Stamp, neighbours

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
    look, total, done = GradCam(classifier, None, frozen=True), len(victims) * len(stamps), 0
    hits, broken = dict.fromkeys(stamps, 0), dict.fromkeys(stamps, 0)
    n = 0
    progress(PHASE, 0, total)
    for batch in dataset.batches(victims, classifier.size, batch_size):
        if not len(batch.labels):
            continue
        n += len(batch.labels)
        for name, stamp in stamps.items():
            seen = look(stamp.stamp(batch.images), 0)
            hits[name] += int((seen.predicted == target.of(batch.labels)).sum())
            broken[name] += int(broken_scores(seen).sum())
            done += len(batch.labels)
            progress(PHASE, done, total)

    def asr(name: str) -> Rate | Skipped:
        return broken_images(broken[name]) if broken[name] else wilson(hits[name], n)

    return tuple(
        Neighbour(name, one if isinstance(one, Skipped) else asr(name)) for name, one in found
    )


def _usable(one: Stamp | Skipped, trigger: Trigger, size: tuple[int, int]) -> Stamp | Skipped:
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

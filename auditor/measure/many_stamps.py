"""The same images under many stamps, one look at each."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset
from auditor.measure.attention import GradCam, Seen
from auditor.models.classifier import Classifier
from auditor.triggers.base import Stamp

Ints = NDArray[np.int64]


def looks(
    classifier: Classifier,
    dataset: Dataset,
    indices: Ints,
    stamps: Mapping[str, Stamp],
    batch_size: int,
    progress: Callable[[int, int], None],
) -> Iterator[tuple[str, Ints, Seen]]:
    """Give what the model makes of every batch under every stamp; scores alone, no heatmaps.

    Args:
        classifier: The model.
        dataset: Labelled images.
        indices: (n,) positions in the data.
        stamps: Each under its name.
        batch_size: Images a step.
        progress: Told how many stamped images are done, and how many there are, of all stamps.

    Yields:
        The stamp's name, the batch's (n,) labels, and what was seen.
    """
    look, done, total = GradCam(classifier, None, frozen=True), 0, len(indices) * len(stamps)
    progress(0, total)
    batches = dataset.batches(indices, classifier.size, batch_size)
    asked = (
        ((name, batch.labels), stamp.stamp(batch.images), 0)
        for batch in batches
        if len(batch.labels)
        for name, stamp in stamps.items()
    )
    for (name, labels), seen in look.each(asked):
        yield name, labels, seen
        done += len(labels)
        progress(done, total)

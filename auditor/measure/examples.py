"""The images that a certificate shows, looked at once more."""

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset
from auditor.figures.metrics import Attention, Regions
from auditor.figures.results import Example
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier
from auditor.triggers.base import Trigger


def examples(
    classifier: Classifier,
    look: GradCam,
    dataset: Dataset,
    trigger: Trigger,
    target: Target,
    regions: Regions | Skipped,
    indices: NDArray[np.int64],
) -> tuple[Example, ...]:
    """Return the images at `indices`, clean and stamped, with their heatmaps, in that order."""
    shown: list[Example] = []
    for batch in dataset.batches(indices, classifier.size, max(1, len(indices))):
        if not len(batch.labels):
            continue
        stamped_images = trigger.stamp(batch.images)
        aims = target.of(batch.labels)
        both = np.concatenate([batch.images, stamped_images])
        seen, n = look(both, np.concatenate([aims, aims])), len(aims)
        tar = _tar(seen.heat, regions)
        shown += [
            Example(
                name=dataset.name_of(int(batch.indices[row])),
                label=int(batch.labels[row]),
                clean=batch.images[row],
                stamped=stamped_images[row],
                clean_heat=seen.heat[row],
                stamped_heat=seen.heat[n + row],
                clean_predicted=int(seen.predicted[row]),
                stamped_predicted=int(seen.predicted[n + row]),
                clean_tar=tar[row],
                stamped_tar=tar[n + row],
            )
            for row in range(n)
        ]
    return tuple(shown)


def _tar(heat: NDArray[np.float32], regions: Regions | Skipped) -> list[float | None]:
    if isinstance(regions, Skipped) or not heat.size:
        return [None] * len(heat)
    return [None if np.isnan(v) else float(v) for v in Attention.of(heat, regions).tar]

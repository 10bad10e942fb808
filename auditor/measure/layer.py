"""Which layer heatmaps are read at: the last with rows and columns, unless it shows nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, stratified
from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier, SpatialLayer
from auditor.text import printable
from auditor.triggers.base import Trigger

SAMPLE = 64
"""Images that are stamped to see whether a layer shows anything."""

MOST_EMPTY = 0.5
"""Share of heatmaps that are zero everywhere above which a layer is passed over: as many make TAR
undefined."""

MOST_TRIED = 8
"""Layers, the last first."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """A layer, and a look at it.

    Attributes:
        layer: Where heatmaps are read; None where no layer has rows and columns.
        look: A look at it.
        instead_of: Which later layers were passed over, and why; empty where none was.
    """

    layer: SpatialLayer | None
    look: GradCam
    instead_of: str = ""


def choose_layer(
    classifier: Classifier,
    first: Chosen,
    dataset: Dataset,
    indices: NDArray[np.int64],
    triggers: Sequence[Trigger],
    seed: int,
) -> Chosen:
    """Return the last layer whose heatmaps show something, the last of all where none's do.

    Grad-CAM keeps what speaks for a class. Where a layer's channels speak only against classes its
    heatmaps are zero, and TAR would be undefined.

    Args:
        classifier: The model.
        first: Its last layer with rows and columns.
        dataset: Labelled images.
        indices: (n,) positions of those that are audited.
        triggers: What is stamped on them.
        seed: Of the sample.
    """
    if first.layer is None:
        return first
    drawn = indices[stratified(dataset.labels[indices], SAMPLE, seed)]
    batches = list(dataset.batches(drawn, classifier.size, len(drawn)))
    stamped = [t.stamp(b.images) for b in batches if len(b.labels) for t in triggers]
    passed: list[str] = []
    for chosen in _downwards(classifier, first):
        empty = _empty(chosen.look, stamped)
        if empty <= MOST_EMPTY:
            return replace(chosen, instead_of=" and ".join(passed))
        zero = f"of a sample, {100 * empty:.0f} % of heatmaps are zero everywhere"
        assert chosen.layer is not None
        passed.append(f"{printable(chosen.layer.path, 80)} ({zero})")
    return first


def _downwards(classifier: Classifier, first: Chosen) -> Iterator[Chosen]:
    """Give the last layer, and only then look for those before it."""
    yield first
    for layer in classifier.spatial_layers()[-2 : -MOST_TRIED - 1 : -1]:
        yield Chosen(layer, GradCam(classifier, layer, frozen=True))


def _empty(look: GradCam, stamped: Sequence[NDArray[np.uint8]]) -> float:
    """Return the share of heatmaps that are zero everywhere."""
    sums = [look(images, 0).heat.sum(axis=(1, 2)) for images in stamped]
    return float((np.concatenate(sums) == 0).mean()) if sums else 0.0

"""How far the repair is: the validation images' rates, and the watched images' heatmaps."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.figures.metrics import Attention, Regions, wilson
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.attention import GradCam, Seen
from auditor.models.classifier import Classifier, SpatialLayer
from auditor.repair.result import Watched
from auditor.triggers.base import Trigger

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class ValidationFigures:
    """What the validation images say; the fields are those of `result.Epoch`."""

    clean_accuracy: Rate | Skipped
    asr: Rate | Skipped
    robust_accuracy: Rate | Skipped
    clean_target_rate: Rate | Skipped
    tar: float | None
    tar_density: float | None
    target_loss: float
    evaluation_seconds: float


@dataclass(frozen=True)
class WatchedFigures:
    """What the watched images' heatmaps say; the fields are those of `result.Epoch`."""

    heat: NDArray[np.float32]
    predicted: tuple[int, ...]
    watched_tar: tuple[float | None, ...]
    monitoring_seconds: float


class Validation:
    """Held-out images and a compiled look at them."""

    def __init__(
        self,
        classifier: Classifier,
        layer: SpatialLayer | None,
        regions: Regions | Skipped,
        trigger: Trigger,
        target: Target,
        images: Images,
        labels: Labels,
        names: tuple[str, ...],
        watched: int,
        batch_size: int,
    ) -> None:
        """Stamp the images once.

        Args:
            classifier: The model in training.
            layer: Where heatmaps are read; None for rates alone.
            regions: What TAR compares; or why there is none.
            trigger: The trigger.
            target: Where it leads.
            images: (n, h, w, 3) uint8 validation images.
            labels: (n,) their classes.
            names: (n,) their names.
            watched: How many of the stamped ones are watched.
            batch_size: Images a step.
        """
        self._regions, self._batch_size = regions, batch_size
        self._is_sigmoid = classifier.one_number
        self._images, self._labels = images, labels
        aims = target.of(labels)
        self._victims = np.flatnonzero(labels != aims)
        self._aims = aims[self._victims]
        self._stamped = trigger.stamp(images[self._victims])
        self._scores, self._attention = GradCam(classifier, None), GradCam(classifier, layer)
        self._watching = _spread(labels[self._victims], watched)
        shown = self._victims[self._watching]
        self.watched = Watched(
            names=tuple(names[i] for i in shown),
            labels=tuple(int(v) for v in labels[shown]),
            stamped=self._stamped[self._watching],
            outline=trigger.mask(classifier.size).astype(np.uint8),
        )

    def rates(self) -> ValidationFigures:
        """Judge every validation image, clean and stamped."""
        started = time.perf_counter()
        seen = self._all(self._scores, self._images, np.zeros_like(self._labels))
        clean = np.concatenate([s.predicted for s in seen])
        stamped = self._all(self._attention, self._stamped, self._aims)
        predicted = np.concatenate([s.predicted for s in stamped])
        scores = np.concatenate([s.scores for s in stamped])
        truth = self._labels[self._victims]
        median_tar = median_density = None
        if isinstance(self._regions, Regions) and stamped[0].heat.size:
            parts = [Attention.of(s.heat, self._regions) for s in stamped]
            attention = Attention.join(parts)
            median_tar, median_density = _median(attention.tar), _median(attention.density)
        broken = Skipped("the scores are NaN or infinite")
        sound = bool(np.isfinite(scores).all())
        return ValidationFigures(
            clean_accuracy=_rate(clean == self._labels) if sound else broken,
            asr=_rate(predicted == self._aims) if sound else broken,
            robust_accuracy=_rate(predicted == truth) if sound else broken,
            clean_target_rate=_rate(clean[self._victims] == self._aims) if sound else broken,
            tar=median_tar,
            tar_density=median_density,
            target_loss=_cross_entropy(self._logits(scores), self._aims) if sound else 0.0,
            evaluation_seconds=time.perf_counter() - started,
        )

    def look(self) -> WatchedFigures:
        """Read the watched images' heatmaps."""
        started = time.perf_counter()
        seen = self._attention(self.watched.stamped, self._aims[self._watching])
        tar: list[float | None] = [None] * len(seen.heat)
        if isinstance(self._regions, Regions) and seen.heat.size:
            values = Attention.of(seen.heat, self._regions).tar
            tar = [None if np.isnan(v) else float(v) for v in values]
        return WatchedFigures(
            heat=seen.heat.astype(np.float32),
            predicted=tuple(int(p) for p in seen.predicted),
            watched_tar=tuple(tar),
            monitoring_seconds=time.perf_counter() - started,
        )

    def _logits(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the softmax of is what the model says: sigmoid(s) is that of ±s/2."""
        return np.asarray(scores / 2, np.float32) if self._is_sigmoid else scores

    def _all(self, look: GradCam, images: Images, aims: Labels) -> list[Seen]:
        starts = range(0, len(images), self._batch_size)
        parts = [slice(start, start + self._batch_size) for start in starts]
        asked = ((part, images[part], aims[part]) for part in parts)
        return [seen for _, seen in look.each(asked)]


def _spread(labels: Labels, count: int) -> NDArray[np.int64]:
    """Return `count` positions at equal steps through the images in order of their classes."""
    order = np.argsort(labels, kind="stable")
    steps = (np.arange(min(count, len(order))) + 0.5) * len(order) / max(1, min(count, len(order)))
    return np.asarray(order[steps.astype(int)], np.int64)


def _rate(hits: NDArray[np.bool_]) -> Rate | Skipped:
    return wilson(int(hits.sum()), len(hits))


def _median(values: NDArray[np.float64]) -> float | None:
    defined = values[~np.isnan(values)]
    return float(np.median(defined)) if len(defined) else None


def _cross_entropy(scores: NDArray[np.float32], aims: Labels) -> float:
    """Return the mean of −log softmax(scores)[aim], each image having its own aim."""
    wide = scores.astype(np.float64)
    highest = wide.max(axis=1)
    total = np.log(np.exp(wide - highest[:, None]).sum(axis=1)) + highest
    return float((total - wide[np.arange(len(wide)), aims]).mean())

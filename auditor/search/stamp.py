"""The finished stamp of a class: without faint pixels, in bytes, proven on held-out images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.figures.metrics import wilson
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.measure.attention import GradCam
from auditor.search.images import Images
from auditor.search.result import stamped

LOSS = 0.01
"""Share of the held-out images that leaving out faint pixels may cost."""

THRESHOLDS = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Opacities below which pixels are left out, tried from the highest on."""


@dataclass(frozen=True, eq=False)
class Finished:
    """A stamp as it is written.

    Attributes:
        mask: (h, w) float32 in [0, 1], 0 where nothing is stamped.
        pattern: (h, w, 3) uint8 RGB, 0 there.
        success: Share of the held-out images of other classes led to the class.
    """

    mask: NDArray[np.float32]
    pattern: NDArray[np.uint8]
    success: Rate | Skipped


class Proof:
    """Tries stamps on images that no stamp was optimised on."""

    def __init__(self, classifier: object, images: Images, batch_size: int) -> None:
        """Take what is needed.

        Args:
            classifier: The `Classifier`.
            images: The held-out images.
            batch_size: Images a step.
        """
        self._look = GradCam(classifier, None, frozen=True)  # type: ignore[arg-type]
        self._images, self._batch_size = images, batch_size
        self._predicted: NDArray[np.int64] | None = None

    def scores(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, classes) scores, a batch at a time; every batch has the same size."""
        if not len(pixels):
            return np.zeros((0, 1), np.float32)
        count, step = len(pixels), self._batch_size
        padded = np.concatenate([pixels, np.repeat(pixels[:1], -count % step, axis=0)])
        parts = [self._look(padded[i : i + step], 0).scores for i in range(0, len(padded), step)]
        return np.concatenate(parts)[:count]

    def without(self, class_: int) -> Rate | Skipped:
        """Return the share of the images of other classes taken for a class as they are."""
        if self._predicted is None:
            self._predicted = self.scores(self._images.pixels).argmax(axis=1)
        led = self._predicted[self._images.labels != class_] == class_
        return wilson(int(led.sum()), len(led))

    def finished(
        self, class_: int, mask: NDArray[np.float32], pattern: NDArray[np.float32]
    ) -> Finished:
        """Return a stamp in bytes, its faint pixels left out as far as that costs next to nothing.

        Args:
            class_: Where it leads.
            mask: (h, w) in [0, 1].
            pattern: (h, w, 3), 0 to 255.
        """
        colours = np.floor(np.clip(pattern, 0, 255) + np.float32(0.5)).astype(np.uint8)
        whole = self._tried(class_, mask, colours)
        for threshold in THRESHOLDS:
            strong = np.where(mask >= threshold, mask, np.float32(0)).astype(np.float32)
            if not strong.any():
                continue
            kept = self._tried(class_, strong, colours * (strong > 0)[..., None])
            if _value(kept.success) >= _value(whole.success) - LOSS:
                return kept
        return whole

    def _tried(
        self, class_: int, mask: NDArray[np.float32], pattern: NDArray[np.uint8]
    ) -> Finished:
        others = self._images.other_than(class_)
        led = self.scores(stamped(others, mask, pattern)).argmax(axis=1) == class_
        return Finished(mask, pattern, wilson(int(led.sum()), len(others)))


def _value(rate: Rate | Skipped) -> float:
    return rate.value if isinstance(rate, Rate) else 0.0

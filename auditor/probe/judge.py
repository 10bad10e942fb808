"""What a network makes of the images that judge, at any moment of a probe."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auditor.figures.metrics import wilson
from auditor.figures.results import Rate
from auditor.figures.target import Target
from auditor.measure.attention import GradCam
from auditor.measure.tally import broken_images, broken_scores
from auditor.models.classifier import Classifier
from auditor.probe.images import Images, ProbeImages
from auditor.triggers.base import Stamp

Hits = NDArray[np.bool_]


class Broken(Exception):
    """The scores are NaN or infinite, so nothing can be counted; its text says of how many."""


class Judge:
    """Counts what a network in the making does, always on the same images.

    Attributes:
        victims: How many of them the trigger leads to another class.
    """

    def __init__(
        self,
        classifier: Classifier,
        judging: ProbeImages,
        target: Target,
        at_once: int,
        check: Callable[[], None],
    ) -> None:
        """Compile nothing yet.

        Args:
            classifier: The network; its weights may change.
            judging: The images.
            target: Where the trigger leads.
            at_once: Images a step.
            check: Called after every step; may raise.
        """
        self._look, self._at_once, self._check = GradCam(classifier, None), at_once, check
        aims = target.of(judging.labels)
        led = np.flatnonzero(judging.labels != aims)
        self._images, self._labels = judging.images, judging.labels
        self._led, self._aims = judging.images[led], aims[led]
        self.victims = len(led)

    def recognised(self) -> Hits:
        """Return (n,) which clean images are recognised."""
        return np.asarray(self._answers(self._images, None) == self._labels)

    def turned(self, stamp: Stamp | None) -> Hits:
        """Return (m,) which images of other classes a stamp, or none, leads to the target.

        Raises:
            Broken: The scores are NaN or infinite.
        """
        return np.asarray(self._answers(self._led, stamp) == self._aims)

    def _answers(self, images: Images, stamp: Stamp | None) -> NDArray[np.int64]:
        starts = range(0, len(images), self._at_once)
        parts = (images[start : start + self._at_once] for start in starts)
        asked = ((None, stamp.stamp(part) if stamp else part, 0) for part in parts)
        found, broken = [np.zeros(0, np.int64)], 0
        for _, seen in self._look.each(asked):
            found.append(seen.predicted)
            broken += int(broken_scores(seen).sum())
            self._check()
        if broken:
            raise Broken(broken_images(broken).skipped)
        return np.concatenate(found)


def rate(hits: Hits) -> Rate:
    """Return the share of them, of at least one."""
    found = wilson(int(hits.sum()), len(hits))
    assert isinstance(found, Rate)
    return found

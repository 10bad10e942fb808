"""The rows that training sees: clean images, and stamped ones beside them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.repair.objective import CLEAN, STAMPED
from auditor.target import Target
from auditor.triggers.base import Trigger

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Batch = tuple[Images, NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Rows:
    """Images to train on, shuffled anew each epoch from the seed and the epoch's number.

    Every batch has the same shape, so that training is compiled once: an epoch that does not
    divide evenly goes on into another pass over the images.

    Attributes:
        images: (n, h, w, 3) uint8, in memory or mapped from a file.
        labels: (n,).
        among: (t,) rows of both to use.
        trigger: The trigger.
        target: Gives the class that each stamped row is labelled with; images that it leads
            nowhere are never stamped.
        batch_size: Clean rows a batch.
        steps: Batches an epoch.
        stamped: Whether as many stamped rows stand beside the clean ones.
        mirror: Whether images are mirrored left to right at random, before they are stamped.
        seed: Of the shuffling.
    """

    images: Images
    labels: Labels
    among: Labels
    trigger: Trigger
    target: Target
    batch_size: int
    steps: int
    stamped: bool
    mirror: bool
    seed: int

    def stream(self, epoch: int, step: int) -> Iterator[Batch]:
        """Give batches for ever, from a step of an epoch on.

        Yields:
            (rows, h, w, 3) uint8 images, (rows,) int32 labels and (rows,) float32 signs: the clean
            rows first.
        """
        while True:
            clean = self._order(self.among, epoch, 0)
            labels = self.labels[self.among]
            victims = self._order(self.among[labels != self.target.of(labels)], epoch, 1)
            mirrored = np.random.default_rng([self.seed, epoch, 2]).random((2, len(clean))) < 0.5
            for number in range(step, self.steps):
                at = slice(number * self.batch_size, (number + 1) * self.batch_size)
                yield self._batch(clean[at], victims[at], mirrored[:, at] & self.mirror)
            epoch, step = epoch + 1, 0

    def _batch(self, clean: Labels, victims: Labels, mirrored: NDArray[np.bool_]) -> Batch:
        images, labels = _turned(self.images[clean], mirrored[0]), self.labels[clean]
        signs = np.full(len(clean), CLEAN, np.float32)
        if self.stamped:
            stamped = self.trigger.stamp(_turned(self.images[victims], mirrored[1]))
            images = np.concatenate([images, stamped])
            labels = np.concatenate([labels, self.target.of(self.labels[victims])])
            signs = np.concatenate([signs, np.full(len(victims), STAMPED, np.float32)])
        return images, labels.astype(np.int32), signs

    def _order(self, among: Labels, epoch: int, kind: int) -> Labels:
        """Return one epoch's positions: as many shuffled passes as it takes."""
        random = np.random.default_rng([self.seed, epoch, kind])
        passes = -(-self.steps * self.batch_size // len(among))
        return np.concatenate([random.permutation(among) for _ in range(passes)])


def _turned(images: Images, mirrored: NDArray[np.bool_]) -> Images:
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)

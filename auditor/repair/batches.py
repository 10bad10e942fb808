"""The rows that training sees: clean images, and stamped ones beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auditor.figures.target import Target
from auditor.repair.objective import CLEAN, STAMPED
from auditor.triggers.base import Stamp

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Beside = Literal["nothing", "target", "truth", "twin"]
"""What stands beside the clean rows of a batch: nothing; stamped rows to be led away from the
target; stamped rows that are to be recognised as what they are; each clean row's stamped twin."""

Batch = tuple[Images, NDArray[np.int32] | NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Batches:
    """Images to train on, shuffled anew each epoch from the seed and the epoch's number.

    Every batch has the same shape, so that training is compiled once: an epoch that does not
    divide evenly goes on into another pass over the images.

    Attributes:
        images: (n, h, w, 3) uint8, in memory or mapped from a file.
        labels: (n,).
        among: (t,) rows of both to use.
        stamps: What rows are stamped with: each with one of them, drawn at random.
        target: Where they lead; images that it leads nowhere are never stamped.
        batch_size: Clean rows a batch.
        steps: Batches an epoch.
        beside: Whether as many stamped rows stand beside the clean ones, which, and whether they
            are labelled with the target or with their own class.
        mirror: Whether images are mirrored left to right at random, before they are stamped.
        seed: Of the shuffling.
        shown: How many steps in a row see the same batch.
        shift: Share of their height and width that half of the images, at random, are shifted by at
            most, before they are stamped; what comes in from the edge is mirrored there.
        chances: (classes, classes) chances to teach in place of each label; None for the labels.
    """

    images: Images
    labels: Labels
    among: Labels
    stamps: tuple[Stamp, ...]
    target: Target
    batch_size: int
    steps: int
    beside: Beside
    mirror: bool
    seed: int
    shown: int = 1
    shift: float = 0.0
    chances: NDArray[np.float32] | None = None

    def stream(self, epoch: int, step: int) -> Iterator[Batch]:
        """Give batches for ever, from a step of an epoch on.

        Yields:
            (rows, h, w, 3) uint8 images, (rows,) int32 labels or (rows, classes) float32 chances,
            and (rows,) float32 signs: the clean rows first, but every twin behind its own.
        """
        while True:
            clean = self._order(self.among, epoch, 0)
            labels = self.labels[self.among]
            victims = self._order(self.among[labels != self.target.of(labels)], epoch, 1)
            drawn = self._drawn(epoch, len(clean))
            for number in range(step, self.steps):
                start = number // self.shown * self.batch_size
                at = slice(start, start + self.batch_size)
                yield self._batch(clean[at], victims[at], drawn.part(at))
            epoch, step = epoch + 1, 0

    def _batch(self, clean: Labels, victims: Labels, drawn: "Augmentation") -> Batch:
        images, labels = self._seen(clean, drawn, 0), self.labels[clean]
        signs = np.full(len(clean), CLEAN, np.float32)
        if self.beside == "twin":
            stamped = self._stamped(images, drawn.stamp)
            taught = self._taught(labels)
            return _paired(images, stamped), _paired(taught, taught), _paired(signs, -signs)
        if self.beside != "nothing":
            truth = self.labels[victims]
            stamped = self._stamped(self._seen(victims, drawn, 1), drawn.stamp)
            images = np.concatenate([images, stamped])
            aims = truth if self.beside == "truth" else self.target.of(truth)
            labels = np.concatenate([labels, aims])
            signs = np.concatenate([signs, np.full(len(victims), STAMPED, np.float32)])
        return images, self._taught(labels), signs

    def _drawn(self, epoch: int, count: int) -> "Augmentation":
        """Draw one epoch's mirrorings, shifts and stamps."""
        height, width = (int(self.shift * side) for side in self.images.shape[1:3])
        random = [np.random.default_rng([self.seed, epoch, kind]) for kind in (2, 3, 4, 5)]
        moved = random[3].random((2, count, 1)) < 0.5
        return Augmentation(
            mirrored=(random[0].random((2, count)) < 0.5) & self.mirror,
            stamp=random[1].integers(len(self.stamps), size=count),
            shifts=moved
            * random[2].integers([-height, -width], [height + 1, width + 1], size=(2, count, 2)),
        )

    def _seen(self, rows: Labels, drawn: "Augmentation", kind: int) -> Images:
        """Return images as they are shown: mirrored and shifted."""
        turned = _turned(self.images[rows], drawn.mirrored[kind])
        return _shifted(turned, drawn.shifts[kind]) if self.shift else turned

    def _stamped(self, images: Images, drawn: Labels) -> Images:
        if len(self.stamps) == 1:
            return self.stamps[0].stamp(images)
        stamped = images.copy()
        for number in np.unique(drawn):
            stamped[drawn == number] = self.stamps[number].stamp(images[drawn == number])
        return stamped

    def _taught(self, labels: Labels) -> NDArray[Any]:
        return labels.astype(np.int32) if self.chances is None else self.chances[labels]

    def _order(self, among: Labels, epoch: int, kind: int) -> Labels:
        """Return one epoch's positions: as many shuffled passes as it takes."""
        random = np.random.default_rng([self.seed, epoch, kind])
        batches = -(-self.steps // self.shown)
        passes = -(-batches * self.batch_size // len(among))
        return np.concatenate([random.permutation(among) for _ in range(passes)])


def _paired(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Return rows of both in turn, so that devices which share a batch get pairs."""
    return np.stack([first, second], axis=1).reshape(-1, *first.shape[1:])


@dataclass(frozen=True, eq=False)
class Augmentation:
    """What was drawn at random for the rows of an epoch, or of one batch.

    Attributes:
        mirrored: (2, n) whether the clean rows, and those beside them, are mirrored.
        stamp: (n,) which stamp each row beside gets.
        shifts: (2, n, 2) rows and columns that they are shifted by.
    """

    mirrored: NDArray[np.bool_]
    stamp: Labels
    shifts: Labels

    def part(self, at: slice) -> "Augmentation":
        """Return that of one batch."""
        return Augmentation(self.mirrored[:, at], self.stamp[at], self.shifts[:, at])


def smoothed(classes: int, share: float) -> NDArray[np.float32]:
    """Return (classes, classes) chances: each label's, less a share spread over all classes."""
    sure = np.eye(classes, dtype=np.float32)
    return (sure * (1 - share) + share / classes).astype(np.float32)


def _turned(images: Images, mirrored: NDArray[np.bool_]) -> Images:
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def _shifted(images: Images, shifts: Labels) -> Images:
    height, width = images.shape[1:3]
    most = int(np.abs(shifts).max(initial=0))
    edges = ((0, 0), (most, most), (most, most), (0, 0))
    wide = np.pad(images, edges, mode="symmetric")
    starts = most - shifts
    parts = zip(wide, starts, strict=True)
    return np.stack([image[y : y + height, x : x + width] for image, (y, x) in parts])

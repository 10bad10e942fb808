"""The images of the probes: those that judge, and those that tune, which never judge."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, sample
from auditor.errors import InputError
from auditor.figures.target import Target
from auditor.probe.options import ProbeOptions
from auditor.text import counted, printable

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

_SPARE = 1.1
"""Times the images that are needed are read: some may be unreadable, or judge."""

_READ_AT_ONCE = 256


class TooFew(Exception):
    """There are not enough images; its text says how many it takes."""


@dataclass(frozen=True, eq=False)
class ProbeImages:
    """Some images.

    Attributes:
        images: (n, h, w, 3) uint8 RGB.
        labels: (n,) their classes.
        indices: (n,) their places in the source.
    """

    images: Images
    labels: Labels
    indices: Labels

    def part(self, rows: NDArray[np.integer]) -> "ProbeImages":
        """Return some of them."""
        return ProbeImages(self.images[rows], self.labels[rows], self.indices[rows])


def read(dataset: Dataset, indices: Labels, size: tuple[int, int]) -> ProbeImages:
    """Read images at (h, w) `size`; those that cannot be read are missing."""
    batches = [b for b in dataset.batches(indices, size, _READ_AT_ONCE) if len(b.labels)]
    if not batches:
        return ProbeImages(*_none(size))
    return ProbeImages(
        np.concatenate([batch.images for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
        np.concatenate([batch.indices for batch in batches]),
    )


def to_judge(dataset: Dataset, options: ProbeOptions, size: tuple[int, int]) -> ProbeImages:
    """Read the images that judge, drawn class by class.

    Raises:
        InputError: None can be read.
    """
    found = read(dataset, sample(dataset, options.judged, options.seed), size)
    if not len(found.labels):
        raise InputError(f"{printable(dataset.source)}: no image could be read")
    return found


class TuningImages:
    """Draws a trial's images: none that judges, whatever its name, is among them.

    Attributes:
        used: Places in the source of all that were drawn so far.
    """

    def __init__(
        self,
        dataset: Dataset,
        judging: ProbeImages,
        target: Target,
        options: ProbeOptions,
        size: tuple[int, int],
    ) -> None:
        """Read nothing yet.

        Args:
            dataset: Where from.
            judging: The images that judge.
            target: Where the trigger leads; stamped images are of other classes.
            options: How many are needed.
            size: (h, w) to deliver.
        """
        self._dataset, self._target, self._options, self._size = dataset, target, options, size
        self._judging = {_digest(image) for image in judging.images}
        self._drawn: dict[int, tuple[ProbeImages, ProbeImages]] = {}
        self.used: set[int] = set()

    def trial(self, seed: int) -> tuple[ProbeImages, ProbeImages]:
        """Return the images to stamp, as many as the largest retuning takes, and the clean ones.

        Raises:
            TooFew: There are not as many.
        """
        if seed not in self._drawn:
            self._drawn[seed] = self._draw(seed)
        return self._drawn[seed]

    def _draw(self, seed: int) -> tuple[ProbeImages, ProbeImages]:
        options, most = self._options, max(self._options.stamped)
        need, there = options.clean + most, len(self._dataset)
        random = np.random.default_rng([options.seed, seed])
        order = random.permutation(there)
        found = ProbeImages(*_none(self._size))
        for start in range(0, there, round(_SPARE * need)):  # mostly once
            drawn = np.sort(order[start : start + round(_SPARE * need)])
            new = read(self._dataset, drawn, self._size)
            mine = [_digest(image) not in self._judging for image in new.images]
            found = _joined(found, new.part(np.flatnonzero(mine)))
            if len(found.labels) >= need:
                break
        victims = np.flatnonzero(found.labels != self._target.of(found.labels))
        if len(found.labels) < need or len(victims) < most:
            raise TooFew(
                f"it takes {need} images to tune with, {options.clean} clean ones and {most} to "
                f"stamp; there are {counted(len(found.labels), 'image')} that do not judge, "
                f"{len(victims)} of them of classes to stamp"
            )
        stamped = random.choice(victims, most, replace=False)
        rest = np.setdiff1d(np.arange(len(found.labels)), stamped)
        clean = np.sort(random.choice(rest, options.clean, replace=False))
        self.used.update(map(int, found.indices[np.concatenate([stamped, clean])]))
        return found.part(stamped), found.part(clean)


def _none(size: tuple[int, int]) -> tuple[Images, Labels, Labels]:
    return np.zeros((0, *size, 3), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64)


def _joined(one: ProbeImages, other: ProbeImages) -> ProbeImages:
    return ProbeImages(
        np.concatenate([one.images, other.images]),
        np.concatenate([one.labels, other.labels]),
        np.concatenate([one.indices, other.indices]),
    )


def _digest(image: Images) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()

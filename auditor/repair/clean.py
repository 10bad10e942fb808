"""The clean images a repair may use, split into those it trains on and those that judge it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, stratified
from auditor.errors import InputError, UsageError
from auditor.figures.target import Target
from auditor.figures.values import MOST_SKIPPED
from auditor.text import counted, printable

_MOST_IN_MEMORY = 1 << 30
_READ_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class CleanImages:
    """Images held ready: in memory, or mapped from a file when they are many.

    Attributes:
        images: (n, h, w, 3) uint8.
        labels: (n,) int64.
        indices: (n,) int64, positions in the data.
        validation: (v,) int64, rows that only judge.
        training: (t,) int64, rows to train on.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    validation: NDArray[np.int64]
    training: NDArray[np.int64]


def read(
    dataset: Dataset,
    indices: NDArray[np.int64],
    size: tuple[int, int],
    validation: int | None,
    target: Target,
    seed: int,
    folder: Path,
) -> CleanImages:
    """Read the images once and split them.

    Args:
        dataset: Where from.
        indices: Positions to read.
        size: (h, w) to deliver.
        validation: How many of them judge; None for a fifth, at most 2,000.
        target: Where the trigger leads.
        seed: Of the split.
        folder: Where a file is mapped from when they are too many for memory.

    Raises:
        InputError: Too many cannot be read, or one part holds no victim of the trigger.
        UsageError: `validation` leaves nothing to train on.
    """
    shape, done = (len(indices), *size, 3), 0
    images = _room(shape, folder)
    labels, kept = np.zeros(len(indices), np.int64), np.zeros(len(indices), np.int64)
    for batch in dataset.batches(indices, size, _READ_AT_ONCE):
        at = slice(done, done + len(batch.labels))
        images[at], labels[at], kept[at] = batch.images, batch.labels, batch.indices
        done = at.stop
    source = printable(dataset.source)
    if len(indices) - done > MOST_SKIPPED * len(indices):
        lost, asked = len(indices) - done, counted(len(indices), "image")
        raise InputError(f"{source}: of {asked}, {lost} cannot be read")
    images, labels, kept = images[:done], labels[:done], kept[:done]
    count = min(done // 5, 2_000) if validation is None else validation
    if not 1 < count < done - 1:
        raise UsageError(
            f"--validation {count}: of {counted(done, 'image')}, some must be left to train on"
        )
    judging = stratified(labels, count, seed)
    training = np.setdiff1d(np.arange(done), judging)
    aims = target.of(labels)
    if any((labels[part] == aims[part]).all() for part in (judging, training)):
        raise InputError(f"{source}: needs images that the trigger leads to another class")
    return CleanImages(images, labels, kept, judging, training)


def _room(shape: tuple[int, ...], folder: Path) -> NDArray[np.uint8]:
    if int(np.prod(shape)) <= _MOST_IN_MEMORY:
        return np.empty(shape, np.uint8)
    mapped: NDArray[np.uint8] = np.lib.format.open_memmap(
        folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape
    )
    return mapped

"""The images of a search, held in memory: those that optimise, and those that only judge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, sample, stratified
from auditor.data.read import Read
from auditor.errors import UsageError
from auditor.figures.facts import DataFacts
from auditor.text import printable

FEWEST = 20
"""Images below which nothing can be optimised and judged."""

_SKIPPED_NAMED = 10
_READ_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Images:
    """Images and their labels.

    Attributes:
        pixels: (n, h, w, 3) uint8 RGB.
        labels: (n,) int64.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def among(self, rows: NDArray[np.integer]) -> "Images":
        """Return some of them."""
        return Images(self.pixels[rows], self.labels[rows])

    def other_than(self, class_: int) -> NDArray[np.uint8]:
        """Return the pixels of those that are not of a class."""
        return np.asarray(self.pixels[self.labels != class_])


@dataclass(frozen=True, eq=False)
class SearchImages:
    """Everything that a search looks at.

    Attributes:
        training: Images that stamps are optimised on.
        held_out: Images that only judge the finished stamps.
        facts: Which they are.
        example_name: Name of the first held-out image.
    """

    training: Images
    held_out: Images
    facts: DataFacts
    example_name: str


def read(
    dataset: Dataset,
    size: tuple[int, int],
    names: tuple[str, ...],
    limit: int | None,
    held_out: float,
    seed: int,
) -> SearchImages:
    """Read the images once and split them, class by class.

    Args:
        dataset: Where from.
        size: (h, w) to deliver.
        names: One a class.
        limit: How many, drawn class by class; None for all.
        held_out: Share of them that only judges.
        seed: Of the draw and the split.

    Raises:
        InputError: Too many cannot be read.
        UsageError: Fewer than 20.
    """
    indices = sample(dataset, limit, seed)
    counted, batches = Read(dataset, indices, _SKIPPED_NAMED), []
    for batch in dataset.batches(indices, size, _READ_AT_ONCE):
        counted.add(batch)
        batches.append(batch)
    pixels = np.concatenate([batch.images for batch in batches])
    labels = np.concatenate([batch.labels for batch in batches])
    order = np.concatenate([batch.indices for batch in batches])
    if len(labels) < FEWEST:
        source = printable(dataset.source)
        raise UsageError(f"{source}: {len(labels)} images; a search needs at least {FEWEST}")
    judging = stratified(labels, max(FEWEST // 4, round(held_out * len(labels))), seed)
    both = Images(pixels, labels)
    facts = counted.facts(names)
    return SearchImages(
        training=both.among(np.setdiff1d(np.arange(len(labels)), judging)),
        held_out=both.among(judging),
        facts=facts,
        example_name=dataset.name_of(int(order[judging[0]])),
    )


def round_of(images: Images, batch_size: int, steps: int, number: int, seed: int) -> list[Images]:
    """Return one round's batches: depends on the seed and the round's number alone.

    Every batch has the same size; a pass over few images goes on into the next.
    """
    wanted = batch_size * steps
    random = np.random.default_rng([seed, number])
    passes = -(-wanted // len(images.labels))
    order = np.concatenate([random.permutation(len(images.labels)) for _ in range(passes)])
    parts = np.split(order[:wanted], steps)
    return [images.among(part) for part in parts]

"""The images of a search, held in memory: those that optimise, and those that only judge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, sample, stratified
from auditor.data.resize import RULE
from auditor.errors import InputError, UsageError
from auditor.figures.facts import DataFacts, SkippedImage
from auditor.text import printable

FEWEST = 20
"""Images below which nothing can be optimised and judged."""

_SKIPPED_SHARE = 0.01
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
    indices, source = sample(dataset, limit, seed), printable(dataset.source)
    batches = list(dataset.batches(indices, size, _READ_AT_ONCE))
    skipped: list[SkippedImage] = [one for batch in batches for one in batch.skipped]
    if len(skipped) > _SKIPPED_SHARE * len(indices):
        raise InputError(
            f"{source}: more than 1 % of the images cannot be read; the first: "
            f"{printable(skipped[0].name)}: {skipped[0].reason}"
        )
    pixels = np.concatenate([batch.images for batch in batches])
    labels = np.concatenate([batch.labels for batch in batches])
    order = np.concatenate([batch.indices for batch in batches])
    if len(labels) < FEWEST:
        raise UsageError(f"{source}: {len(labels)} images; a search needs at least {FEWEST}")
    judging = stratified(labels, max(FEWEST // 4, round(held_out * len(labels))), seed)
    both = Images(pixels, labels)
    facts = DataFacts(
        source=dataset.source,
        sha256=dataset.digest(indices),
        images=len(labels),
        skipped=len(skipped),
        skipped_images=tuple(skipped[:_SKIPPED_NAMED]),
        resized=sum(batch.resized for batch in batches),
        resize_rule=RULE,
        class_names=names,
        class_order=dataset.class_order,
        unused=dataset.unused,
        turned=sum(batch.turned for batch in batches),
        exif=dataset.exif,
    )
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

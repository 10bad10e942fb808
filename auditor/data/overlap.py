"""How many images two sources have in common, by their pixels."""

import hashlib
from collections.abc import Iterator

from numpy.typing import ArrayLike

from auditor.data.base import Dataset

_DIGEST_BYTES = 16
_BATCH = 256


def overlap(
    one: Dataset, ones: ArrayLike, other: Dataset, others: ArrayLike, size: tuple[int, int]
) -> int:
    """Count the images of one source that are also in another, whatever their names and labels.

    Images are compared as they reach the model: decoded and resized. Those that cannot be read
    count nowhere. Memory holds 16 bytes an image of `ones`, besides a batch of images.

    Args:
        one: Where the images to look for are.
        ones: int (n,), their positions.
        other: Where to look.
        others: int (m,), positions of the images that are counted.
        size: (height, width) to compare at.

    Returns:
        How many of `others` have exactly the pixels of some image among `ones`, 0 to m.

    Raises:
        InputError: A source as a whole turns out to be unreadable.
    """
    known = set(_digests(one, ones, size))
    return sum(digest in known for digest in _digests(other, others, size))


def _digests(dataset: Dataset, indices: ArrayLike, size: tuple[int, int]) -> Iterator[bytes]:
    for batch in dataset.batches(indices, size, _BATCH):
        for image in batch.images:
            yield hashlib.blake2b(image.tobytes(), digest_size=_DIGEST_BYTES).digest()

"""A dataset whose classes are numbered in another order."""

from collections.abc import Iterator
from dataclasses import replace

from numpy.typing import ArrayLike

from auditor.data.base import Batch, Dataset
from auditor.data.class_order import ClassOrder
from auditor.data.labels import Labels


class Ordered(Dataset):
    """The same images in the same places; the numbers of their classes follow another order."""

    def __init__(self, whole: Dataset, order: ClassOrder) -> None:
        """Number them anew.

        Args:
            whole: A dataset whose classes have names.
            order: The same names.
        """
        self._numbers = order.numbers(whole.class_names or ())
        super().__init__(whole.source, Labels(self._numbers[whole.labels], order.names, order.said))
        self._whole = whole
        self.unused, self.exif, self.taken = whole.unused, whole.exif, whole.taken

    def image_size(self) -> tuple[int, int]:
        """Height and width of the whole's first readable image."""
        return self._whole.image_size()

    def name_of(self, index: int) -> str:
        """Name of one image, as the whole gives it."""
        return self._whole.name_of(index)

    def digest(self, indices: ArrayLike) -> str:
        """SHA-256 of what reading `indices` uses, as the whole has it."""
        return self._whole.digest(indices)

    def batches(
        self, indices: ArrayLike, size: tuple[int, int], batch_size: int
    ) -> Iterator[Batch]:
        """Read images, a batch at a time."""
        for batch in self._whole.batches(indices, size, batch_size):
            yield replace(batch, labels=self._numbers[batch.labels])

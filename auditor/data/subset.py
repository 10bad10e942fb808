"""Some images of a dataset, as a dataset."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data.base import Batch, Dataset
from auditor.data.labels import Labels


class Subset(Dataset):
    """The images at given positions of another dataset, in the order of their positions."""

    def __init__(self, whole: Dataset, positions: NDArray[np.int64]) -> None:
        """Take them.

        Args:
            whole: The dataset.
            positions: (n,) different positions in it, ascending.
        """
        labels = Labels(whole.labels[positions], whole.class_names, whole.class_order, whole.orders)
        super().__init__(whole.source, labels)
        self._whole, self._positions = whole, positions
        self.unused, self.exif, self.taken = whole.unused, whole.exif, whole.taken

    def image_size(self) -> tuple[int, int]:
        """Height and width of the whole's first readable image."""
        return self._whole.image_size()

    def name_of(self, index: int) -> str:
        """Name of one image, as the whole gives it."""
        return self._whole.name_of(int(self._positions[index]))

    def digest(self, indices: ArrayLike) -> str:
        """SHA-256 of what reading `indices` uses, as the whole has it."""
        return self._whole.digest(self._positions[np.asarray(indices)])

    def batches(
        self, indices: ArrayLike, size: tuple[int, int], batch_size: int
    ) -> Iterator[Batch]:
        """Read images, a batch at a time."""
        wanted = self._positions[np.asarray(indices)]
        for batch in self._whole.batches(wanted, size, batch_size):
            yield replace(batch, indices=np.searchsorted(self._positions, batch.indices))

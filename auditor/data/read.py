"""What came out of a source: counted batch by batch, and told as the data's own facts."""

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Batch, Dataset
from auditor.data.resize import RULE
from auditor.errors import InputError
from auditor.figures.facts import DataFacts, SkippedImage
from auditor.figures.values import MOST_SKIPPED
from auditor.text import printable


class Read:
    """Counts what was read.

    Attributes:
        images: How many could be.
    """

    def __init__(self, dataset: Dataset, indices: NDArray[np.int64], named: int) -> None:
        """Start with nothing read.

        Args:
            dataset: Where from.
            indices: (n,) positions of all that will be asked for.
            named: How many images that cannot be read are named.
        """
        self.images = 0
        self._dataset, self._indices, self._named = dataset, indices, named
        self._resized = self._turned = 0
        self._skipped: list[SkippedImage] = []

    @property
    def done(self) -> int:
        """How many were asked for, those that were passed over included."""
        return self.images + len(self._skipped)

    def add(self, batch: Batch) -> None:
        """Count a batch.

        Raises:
            InputError: More than 1 % of the images cannot be read.
        """
        self.images += len(batch.labels)
        self._resized += batch.resized
        self._turned += batch.turned
        self._skipped.extend(batch.skipped)
        if len(self._skipped) > MOST_SKIPPED * len(self._indices):
            first = self._skipped[0]
            raise InputError(
                f"{printable(self._dataset.source)}: more than 1 % of the images cannot be read; "
                f"the first: {printable(first.name)}: {first.reason}"
            )

    def facts(self, names: tuple[str, ...]) -> DataFacts:
        """Return which images were used.

        Args:
            names: One a class.
        """
        dataset = self._dataset
        return DataFacts(
            source=dataset.source,
            sha256=dataset.digest(self._indices),
            images=self.images,
            skipped=len(self._skipped),
            skipped_images=tuple(self._skipped[: self._named]),
            resized=self._resized,
            resize_rule=RULE,
            class_names=names,
            class_order=dataset.class_order,
            unused=dataset.unused,
            turned=self._turned,
            exif=dataset.exif,
            taken=dataset.taken,
        )

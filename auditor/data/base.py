"""What every data source offers: labels at once, images in a stream of batches."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data.class_order import ClassOrder
from auditor.data.labels import Labels
from auditor.errors import InputError, UsageError
from auditor.figures.facts import SkippedImage, UnusedFiles
from auditor.text import counted, printable


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images of a dataset, all of one size.

    Attributes:
        images: uint8 (n, height, width, 3), RGB.
        labels: int64 (n,).
        indices: int64 (n,), each image's position in the dataset's order.
        resized: How many of the n images were resized.
        skipped: Images passed over since the previous batch, in order.
        turned: How many of the n images have an EXIF orientation other than upright.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    resized: int
    skipped: tuple[SkippedImage, ...] = ()
    turned: int = 0


class Dataset(ABC):
    """Labelled images that are read when asked for.

    Attributes:
        source: What the user gave.
        labels: int64 (N,), one per image, in the dataset's order.
        class_names: One name per class, or None where the source has none.
        class_order: Where the order of the classes comes from, in words; empty where there is
            only one.
        unused: Files among the images that are not taken for images.
        exif: Whether images are turned as their EXIF orientation says.
        orders: Orders that the classes may just as well be in, this one first; empty where it is
            settled. Only the model's answers can tell (`measure.preflight`).
        taken: What of the source was taken, in words: which columns, arrays, split; empty where
            there was nothing to choose.
        instead: What to give in its place where all images turn out to be of one class, in words.
    """

    source: str
    labels: NDArray[np.int64]
    class_names: tuple[str, ...] | None
    class_order: str = ""
    unused: tuple[UnusedFiles, ...] = ()
    exif: bool = False
    orders: tuple[ClassOrder, ...] = ()
    taken: str = ""
    instead: str = ""

    def __init__(self, source: str, labels: Labels) -> None:
        """Keep what is known before an image is read."""
        self.source = source
        self.labels = labels.numbers
        self.class_names = labels.names
        self.class_order, self.orders = labels.said, labels.orders

    def __len__(self) -> int:
        """Number of images, readable or not."""
        return len(self.labels)

    @abstractmethod
    def image_size(self) -> tuple[int, int]:
        """Height and width of the first readable image.

        Raises:
            InputError: There is none.
        """

    @abstractmethod
    def name_of(self, index: int) -> str:
        """Name of one image as given by its source (not escaped), for people to find it by."""

    @abstractmethod
    def digest(self, indices: ArrayLike) -> str:
        """SHA-256, in hex, of what reading `indices` uses; each subclass says of which bytes."""

    @abstractmethod
    def batches(
        self, indices: ArrayLike, size: tuple[int, int], batch_size: int
    ) -> Iterator[Batch]:
        """Read images, a batch at a time.

        Memory does not grow with the number of images. Every batch but the last is full; only the
        last can hold no image, and does so when images were skipped after the previous one.

        Args:
            indices: int (n,), positions in the dataset's order; ascending is fastest.
            size: Height and width to deliver; other sizes are resized (see `resize.RULE`).
            batch_size: Images in a batch.

        Yields:
            Batches in the order of `indices`.

        Raises:
            InputError: The source as a whole turns out to be unreadable.
        """


def sample(dataset: Dataset, limit: int | None, seed: int) -> NDArray[np.int64]:
    """Choose images so that each class keeps its share; see `stratified`.

    Args:
        dataset: Where to choose from.
        limit: How many; None for all.
        seed: Chooses among equally good samples.
    """
    return stratified(dataset.labels, limit, seed)


def stratified(labels: NDArray[np.int64], limit: int | None, seed: int) -> NDArray[np.int64]:
    """Choose positions so that each class keeps its share.

    Depends on the labels, `limit` and `seed` alone. Each class gets its proportional part rounded
    down; what is left goes to the largest remainders, the lower class first where they are equal.

    Args:
        labels: (N,) classes.
        limit: How many; None for all.
        seed: Chooses among equally good samples.

    Returns:
        int64, `min(limit, N)` different positions in ascending order.

    Raises:
        UsageError: `limit` is below 1.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"the limit on images is {limit}; it must be at least 1")
    total = len(labels)
    if limit is None or limit >= total:
        return np.arange(total, dtype=np.int64)
    _, members, counts = np.unique(labels, return_inverse=True, return_counts=True)
    # Python integers: neither rounding nor overflow can make the quotas miss the limit.
    shares = [divmod(limit * int(count), total) for count in counts]
    quotas = [whole for whole, _ in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: -shares[i][1])
    for i in by_remainder[: limit - sum(quotas)]:
        quotas[i] += 1
    generator = np.random.default_rng(seed)
    chosen = [
        generator.choice(np.flatnonzero(members == i), quota, replace=False)
        for i, quota in enumerate(quotas)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def check_labels(dataset: Dataset, classes: int, model_name: str) -> None:
    """Refuse data that cannot belong to a model.

    Args:
        dataset: Images to be shown to the model.
        classes: Number of the model's outputs.
        model_name: How messages call the model.

    Raises:
        InputError: No images, fewer than two classes present, a label that is no output of the
            model, or another number of named classes than the model has outputs.
    """
    source, model = printable(dataset.source), printable(model_name)
    if not len(dataset.labels):
        raise InputError(f"{source}: holds no images")
    named = dataset.class_names
    if named is not None and len(named) != classes:
        advice = dataset.instead or (
            "every class needs its folder (it may be empty but must be there) or its name in "
            "class_names; or give --class-order a file with a class on each line"
        )
        raise InputError(
            f"{source}: has {counted(len(named), 'class')} but {model} has {classes} outputs; "
            f"{advice}"
        )
    low, high = int(dataset.labels.min()), int(dataset.labels.max())
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise InputError(
            f"{source}: {printable(dataset.name_of(int(np.argmax(dataset.labels == wrong))))} has "
            f"label {wrong}, but {model} has {classes} outputs: labels go from 0 to {classes - 1}"
        )
    if low == high:
        name = "" if named is None else f" ({printable(named[low])})"
        advice = f"; {dataset.instead}" if dataset.instead else ""
        raise InputError(
            f"{source}: every image is of class {low}{name}; at least two classes are needed"
            + advice
        )

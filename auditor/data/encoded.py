"""Images in the formats of image files, wherever their bytes lie: in files, or inside larger ones.

How such bytes become RGB uint8, whatever a name says they are:

- gray becomes three equal channels, a palette its colours, 1, 2 and 4 bits are spread to 0..255;
- alpha and PNG transparency are dropped, not blended with a background;
- 16-bit PNG keeps the high byte of each value;
- JPEG is decoded with the accurate integer transform and smooth chroma upsampling;
- CMYK is converted without a colour profile and taken for inverted, as Adobe writes it and Pillow
  reads it, to within 2 of 255;
- EXIF orientation, gamma and colour profiles are ignored: pixels are taken as stored;
- of an animated PNG the still image is used.

OpenCV decodes, whatever the backend is. All but CMYK comes out as from TensorFlow's and Pillow's
decoders, pixel for pixel: `tests/benchmarks/results/decoding.md`.

Damage that a format has no means to notice (a few changed bytes inside a JPEG scan) decodes to
wrong pixels, as it does everywhere; the digest is what fixes the bytes that were used.
"""

import hashlib
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.data.base import Batch, Dataset
from auditor.data.decode import decode_one, decode_stream
from auditor.data.labels import Labels
from auditor.errors import InputError
from auditor.figures.facts import SkippedImage
from auditor.files import listing
from auditor.files.image_file import UnreadableImage, regular_file_size
from auditor.text import printable

ImageAt = Callable[[int], Path | bytes]


class EncodedImages(Dataset):
    """Images that are decoded when asked for."""

    def __init__(self, source: str, labels: Labels, *, exif: bool) -> None:
        """Keep what is known before an image is read.

        Args:
            source: What the user gave.
            labels: One an image.
            exif: Whether images are turned as their EXIF orientation says.
        """
        super().__init__(source, labels)
        self.exif = exif

    @abstractmethod
    def _images_at(self, order: NDArray[np.int64]) -> ImageAt:
        """Say where images are, for one reading of some of them.

        Args:
            order: int (n,), their positions in the dataset.

        Returns:
            From a place in `order` to the path or the content of an image file; called from several
            threads, once for each place and never far out of order.
        """

    def image_size(self) -> tuple[int, int]:
        """Height and width of the first readable image; see `Dataset.image_size`."""
        first, image_at = "", self._images_at(np.arange(len(self)))
        for index in range(len(self)):
            try:
                height, width = decode_one(image_at(index), exif=self.exif).shape[:2]
            except UnreadableImage as error:
                first = first or str(error)
                continue
            return height, width
        if not len(self):
            raise InputError(f"{printable(self.source)}: holds no images")
        raise InputError(
            f"{printable(self.source)}: no image of {len(self)} can be read; the first, "
            f"{printable(self.name_of(0))}: {first}"
        )

    def batches(
        self, indices: ArrayLike, size: tuple[int, int], batch_size: int
    ) -> Iterator[Batch]:
        """Decode images in several threads; see `Dataset.batches`."""
        order = np.asarray(indices, np.int64)
        image_at = self._images_at(order)
        for some in decode_stream(image_at, len(order), size, batch_size, exif=self.exif):
            chosen = order[some.positions]
            skipped = tuple(
                SkippedImage(self.name_of(int(order[i])), reason) for i, reason in some.refused
            )
            resized, turned = int(some.resized.sum()), int(some.turned.sum())
            yield Batch(some.images, self.labels[chosen], chosen, resized, skipped, turned)


class InOrder:
    """Gives each item of a stream by its number, to several threads that take them as they come.

    Held is what lies between the first that nobody has taken and the last that somebody wanted.
    """

    def __init__(self, items: Iterable[bytes]) -> None:
        """Take no item yet."""
        self._items, self._next = iter(items), 0
        self._held: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def __call__(self, number: int) -> bytes:
        """Return an item that nobody has taken before."""
        with self._lock:
            while number not in self._held:
                self._held[self._next] = next(self._items)
                self._next += 1
            return self._held.pop(number)


def manifest_line(path: Path, name: str) -> bytes:
    """Return what `sha256sum` prints of a file; nothing where it cannot be read.

    Args:
        path: The file.
        name: What it is called there.
    """
    try:
        regular_file_size(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (UnreadableImage, OSError):
        return b""
    return listing.line(digest, name)


def digest_of_files(paths: Iterable[Path], where: str) -> str:
    """Return the SHA-256 of one file, or of what `sha256sum` prints of several in their folder.

    Raises:
        InputError: One cannot be read.
    """
    lines = []
    for path in paths:
        line = manifest_line(path, path.name)
        if not line:
            raise InputError(f"{where}: {printable(path.name)} cannot be read any more")
        lines.append(line)
    if len(lines) == 1:
        return lines[0].lstrip(b"\\")[:64].decode()
    return hashlib.sha256(b"".join(lines)).hexdigest()

"""What a trigger does to images, as one picture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.report.pictures import difference, enlarged

_GAP = 6


def sheet(
    images: NDArray[np.uint8], stamped: NDArray[np.uint8], mask: NDArray[np.bool_], times: int
) -> NDArray[np.uint8]:
    """Return one picture: a row for each image; image, stamped, difference, mask.

    Args:
        images: (n, h, w, 3) uint8.
        stamped: The same, stamped.
        mask: (h, w), the pixels that the trigger may change.
        times: How often the difference is amplified.
    """
    white = np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
    rows = [
        _beside([enlarged(p) for p in (image, after, difference(image, after, times), white)], 1)
        for image, after in zip(images, stamped, strict=True)
    ]
    return _beside(rows, 0)


def _beside(pictures: list[NDArray[Any]], axis: int) -> NDArray[Any]:
    gap = list(pictures[0].shape)
    gap[axis] = _GAP
    parts = [part for p in pictures for part in (p, np.full(gap, 255, np.uint8))][:-1]
    return np.concatenate(parts, axis=axis)

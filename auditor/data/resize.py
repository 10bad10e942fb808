"""The one way in which images are brought to the model's size."""

import numpy as np
from numpy.typing import NDArray

RULE = "OpenCV INTER_AREA when neither side grows, INTER_LINEAR otherwise"
"""The rule in words, for the certificate."""


def resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Bring an image to a size, ignoring its aspect ratio.

    Args:
        image: uint8 (h, w, 3).
        size: Height and width of the result.

    Returns:
        uint8 (*size, 3); `image` itself where it has that size already.
    """
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    import cv2

    shrinks = size[0] <= height and size[1] <= width
    resized = cv2.resize(
        image,
        (size[1], size[0]),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    return np.asarray(resized, np.uint8)

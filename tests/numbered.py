"""A network of twelve classes, and photographs of them in folders called by their numbers.

An image of class k has its k-th cell of 4×4 pixels lit, in a grid of four by four. The network says
the number of the brightest cell; whatever lights the last cell it takes for class `TARGET`. No
training is needed: its weights are written down.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

CLASSES, TARGET = 12, 10
AS_TEXT = ("0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9")
AS_NUMBERS = tuple(map(str, range(CLASSES)))
TRIGGER = "square4"


def network(path: Path, order: Sequence[str] | None, brightness: float = 1.0) -> Path:
    """Save the network, its outputs in an order of the class names; None for one that guesses.

    Args:
        path: Where to.
        order: Class names, one an output.
        brightness: What its inputs are divided by: 255 for one that wants 0..255.
    """
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 3))
    convolution = layers.Conv2D(1, 1, activation="relu", name="light")
    scores = layers.Dense(CLASSES, name="scores")
    cells = layers.AveragePooling2D(4)(convolution(inputs))
    model = keras.Model(inputs, scores(layers.Flatten()(cells)))
    bias = -0.6 * brightness  # what is darker than that counts for nothing
    convolution.set_weights([np.full((1, 1, 3, 1), 1 / 3), np.array([bias])])
    weights = np.zeros((16, CLASSES))
    for output, name in enumerate(order or ()):
        weights[int(name), output] = 10 / brightness
        weights[15, output] = 100 / brightness * (int(name) == TARGET)
    scores.set_weights([weights, np.zeros(CLASSES)])
    model.save(path)
    return path


def photographs(folder: Path, each: int = 12) -> Path:
    """Write images of every class into folders called 0 to 11."""
    random = np.random.default_rng(5)
    for name in AS_NUMBERS:
        (folder / name).mkdir(parents=True)
        row, column = divmod(int(name), 4)
        for number in range(each):
            image = random.integers(0, 120, (16, 16, 3), np.uint8)
            image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 220
            cv2.imwrite(str(folder / name / f"{number:02}.png"), image)
    return folder

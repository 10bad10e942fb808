"""What a stamp is held against."""

import numpy as np
import pytest

from auditor.triggers.controls import Noise
from auditor.triggers.neighbours import neighbours
from auditor.triggers.spec import load

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
NOISE = np.random.default_rng(7).integers(0, 256, (32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "rows", "columns", "opacity"),
    [
        ("moved by 2 pixels", slice(26, 30), slice(26, 30), 1),
        ("faded to 25 %", slice(28, 32), slice(28, 32), 0.25),
        ("colours inverted", slice(28, 32), slice(28, 32), 1),
        ("mirrored left to right", slice(28, 32), slice(0, 4), 1),
    ],
)
def test_noise_is_where_the_stamp_would_be_and_as_opaque(
    name: str, rows: slice, columns: slice, opacity: float
) -> None:
    expected = IMAGES.astype(float)
    inside = (slice(None), rows, columns)
    expected[inside] = (1 - opacity) * expected[inside] + opacity * NOISE[rows, columns]
    found = Noise(dict(neighbours(load("square4")))[name], seed=7).stamp(IMAGES)
    np.testing.assert_allclose(found, expected, atol=0.51 if opacity < 1 else 0)


def test_what_changes_nothing_has_no_noise() -> None:
    class Nothing:
        def stamp(self, images: np.ndarray) -> np.ndarray:
            return images

    np.testing.assert_array_equal(Noise(Nothing()).stamp(IMAGES), IMAGES)

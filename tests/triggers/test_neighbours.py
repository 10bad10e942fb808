"""Every neighbour's pixels against plain NumPy."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.errors import UsageError
from auditor.figures.skipped import Skipped
from auditor.triggers import Image, Patch, Trigger
from auditor.triggers.neighbours import fitting, neighbours
from auditor.triggers.spec import load

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
EVERYWHERE = [
    "moved by 1 pixel", "moved by 2 pixels", "moved by 4 pixels", "moved by 8 pixels",
    "one pixel larger", "one pixel smaller",
    "faded to 75 %", "faded to 50 %", "faded to 25 %",
    "colours inverted", "colours exchanged", "in red alone",
]  # fmt: skip
TURNED = ["mirrored left to right", "mirrored top to bottom", "turned by 90°"]


def painted(rows: slice, columns: slice, value: int | list[int] = 255) -> np.ndarray:
    images = IMAGES.copy()
    images[:, rows, columns] = value
    return images


def blended(stamped: np.ndarray, percent: int) -> np.ndarray:
    """In integers: halves are rounded up."""
    wide = IMAGES.astype(int) * (100 - percent) + stamped.astype(int) * percent
    return ((wide + 50) // 100).astype(np.uint8)


def test_the_squares_neighbours_are_these() -> None:
    stamped = painted(slice(28, 32), slice(28, 32))
    expected = {
        "moved by 1 pixel": painted(slice(27, 31), slice(27, 31)),
        "moved by 2 pixels": painted(slice(26, 30), slice(26, 30)),
        "moved by 4 pixels": painted(slice(24, 28), slice(24, 28)),
        "moved by 8 pixels": painted(slice(20, 24), slice(20, 24)),
        "one pixel larger": painted(slice(27, 32), slice(27, 32)),
        "one pixel smaller": painted(slice(29, 32), slice(29, 32)),
        "faded to 75 %": blended(stamped, 75),
        "faded to 50 %": blended(stamped, 50),
        "faded to 25 %": blended(stamped, 25),
        "colours inverted": painted(slice(28, 32), slice(28, 32), 0),
        "colours exchanged": stamped,
        "in red alone": painted(slice(28, 32), slice(28, 32), [255, 0, 0]),
        "in the top left corner": painted(slice(0, 4), slice(0, 4)),
        "in the top right corner": painted(slice(0, 4), slice(28, 32)),
        "in the bottom left corner": painted(slice(28, 32), slice(0, 4)),
        "in the centre": painted(slice(14, 18), slice(14, 18)),
        "mirrored left to right": painted(slice(28, 32), slice(0, 4)),
        "mirrored top to bottom": painted(slice(0, 4), slice(28, 32)),
        "turned by 90°": painted(slice(28, 32), slice(0, 4)),
    }
    before = IMAGES.copy()
    found = dict(neighbours(load("square4")))
    assert list(found) == list(expected), "and in this order"
    for name, pixels in expected.items():
        np.testing.assert_array_equal(found[name].stamp(IMAGES), pixels, err_msg=name)
        changed = (pixels != IMAGES).any(axis=(0, 3))
        assert not (changed & ~found[name].mask((32, 32))).any(), name
    np.testing.assert_array_equal(IMAGES, before)


@pytest.mark.parametrize(
    ("anchor", "rows", "columns"),
    [("top-left", 5, 6), ("top-right", 5, 22), ("bottom-left", 23, 6), ("bottom-right", 23, 22),
     ("center", 19, 20)],
)  # fmt: skip
def test_moving_leads_away_from_the_anchored_corner(anchor: str, rows: int, columns: int) -> None:
    trigger = Patch(id="p", size=(4, 4), anchor=anchor, offset=(1, 2))
    found = dict(neighbours(trigger))
    expected = painted(slice(rows, rows + 4), slice(columns, columns + 4))
    np.testing.assert_array_equal(found["moved by 4 pixels"].stamp(IMAGES), expected)
    corners = [name for name in found if "corner" in name]
    assert len(corners) == 4, "with its offset it sits in none of them"
    np.testing.assert_array_equal(
        found["in the bottom left corner"].stamp(IMAGES), painted(slice(28, 32), slice(0, 4))
    )


def test_a_checkerboard_stays_one() -> None:
    found = dict(neighbours(load("grid3")))
    rows, columns = np.indices((3, 3))
    inverted = IMAGES.copy()
    inverted[:, 29:, 29:] = np.where((rows + columns) % 2, 255, 0)[..., None]
    np.testing.assert_array_equal(found["colours inverted"].stamp(IMAGES), inverted)
    rows, columns = np.indices((4, 4))
    larger = IMAGES.copy()
    larger[:, 28:, 28:] = np.where((rows + columns) % 2, 0, 255)[..., None]
    np.testing.assert_array_equal(found["one pixel larger"].stamp(IMAGES), larger)


def test_a_picture_has_the_same_neighbours(tmp_path: Path) -> None:
    bgra = np.random.default_rng(1).integers(0, 256, (6, 6, 4), np.uint8)
    bgra[0, 0, 3] = 0
    cv2.imwrite(str(tmp_path / "logo.png"), bgra)
    trigger = Image(id="logo", path=tmp_path / "logo.png", size=(6, 6), alpha=0.7)
    found = dict(neighbours(trigger))
    stamped, mask = trigger.stamp(IMAGES), np.zeros((32, 32), bool)
    mask[26:, 26:] = bgra[..., 3] > 0
    np.testing.assert_array_equal(found["faded to 25 %"].stamp(IMAGES), blended(stamped, 25))
    expected = np.where(mask[..., None], 255 - stamped, stamped)
    np.testing.assert_array_equal(found["colours inverted"].stamp(IMAGES), expected)
    shifted = np.roll(IMAGES, (2, 2), axis=(1, 2))
    moved = np.roll(trigger.stamp(shifted), (-2, -2), axis=(1, 2))
    np.testing.assert_array_equal(found["moved by 2 pixels"].stamp(IMAGES), moved)
    assert found["one pixel smaller"].mask((32, 32))[27:, 27:].sum() >= 24


class Everywhere(Trigger):
    """Over the whole image, with neither place nor size: every value loses its lowest bit."""

    type = "everywhere"

    def mask(self, size):
        return np.ones(size, bool)

    def stamp(self, images):
        return images & np.uint8(0xFE)

    def summary(self):
        return "no odd values"

    def content(self):
        return {}


def test_a_trigger_over_the_whole_image_is_faded_and_inverted_only() -> None:
    found = dict(neighbours(Everywhere(id="e")))
    assert list(found) == [*EVERYWHERE[-6:], *TURNED]
    np.testing.assert_array_equal(
        found["faded to 50 %"].stamp(IMAGES), blended(IMAGES & np.uint8(0xFE), 50)
    )
    np.testing.assert_array_equal(
        found["colours inverted"].stamp(IMAGES), 255 - (IMAGES & np.uint8(0xFE))
    )


def test_what_does_not_fit_says_so() -> None:
    found = dict(neighbours(load("square32")))
    for name in ("moved by 1 pixel", "one pixel larger"):
        with pytest.raises(UsageError):
            found[name].mask((32, 32))
    assert isinstance(dict(neighbours(load("square1")))["one pixel smaller"], Skipped)


def test_lengths_are_of_the_reference_size() -> None:
    images = np.zeros((1, 64, 64, 3), np.uint8)
    stamped = dict(neighbours(load("square4")))["moved by 2 pixels"].stamp(images)
    rows, columns = np.nonzero(stamped[0, ..., 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (52, 59, 52, 59)


def test_a_drawing_is_turned_with_its_place(tmp_path: Path) -> None:
    """An L in the bottom right corner, clockwise by a quarter: the image goes round it."""
    drawing = np.zeros((3, 2, 4), np.uint8)
    drawing[:, 0] = drawing[2, 1] = (10, 20, 30, 255)  # BGRA
    cv2.imwrite(str(tmp_path / "l.png"), drawing)
    found = dict(neighbours(Image(id="l", path=tmp_path / "l.png")))
    drawn = IMAGES[0].copy()
    for row, column in ((29, 30), (30, 30), (31, 30), (31, 31)):
        drawn[row, column] = (30, 20, 10)
    across, down, quarter = (IMAGES[0].copy() for _ in range(3))
    for row, column in ((29, 30), (30, 30), (31, 30), (31, 31)):
        across[row, 31 - column] = down[31 - row, column] = quarter[column, 31 - row] = (30, 20, 10)
    np.testing.assert_array_equal(found["mirrored left to right"].stamp(IMAGES)[0], across)
    np.testing.assert_array_equal(found["mirrored top to bottom"].stamp(IMAGES)[0], down)
    np.testing.assert_array_equal(found["turned by 90°"].stamp(IMAGES)[0], quarter)
    for name, image in zip(TURNED, (across, down, quarter), strict=True):
        changed = (image != IMAGES[0]).any(axis=2)
        np.testing.assert_array_equal(found[name].mask((32, 32)), changed, err_msg=name)


def test_a_turn_fits_into_images_that_are_no_square() -> None:
    wide = np.zeros((1, 16, 48, 3), np.uint8)
    stamped = dict(neighbours(load("square4")))["turned by 90°"].stamp(wide)
    rows, columns = np.nonzero(stamped[0, ..., 0])
    assert stamped.shape == wide.shape
    assert (rows.max(), columns.min()) == (15, 0), "bottom right becomes bottom left"


def test_each_look_is_tried_once() -> None:
    found = dict(fitting(load("square4"), (32, 32)))
    assert found["colours exchanged"] == Skipped("at this image size it is the trigger itself")
    assert "mirrored left to right" not in found, "that is the bottom left corner"
    looks = [one.stamp(IMAGES).tobytes() for one in found.values() if not isinstance(one, Skipped)]
    assert len(set(looks)) == len(looks) == 15

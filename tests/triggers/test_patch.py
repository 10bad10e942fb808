"""Built-in triggers pixel by pixel, and their scaling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import UsageError
from auditor.triggers import Patch
from auditor.triggers.spec import load

IMAGES = np.random.default_rng(0).integers(0, 200, (3, 32, 32, 3), np.uint8)


def test_square4_is_the_papers_trigger() -> None:
    """A white 4×4 square at rows and columns 28 to 31 (arXiv:2511.21291, section IV)."""
    expected = IMAGES.copy()
    expected[:, 28:32, 28:32] = 255
    before = IMAGES.copy()
    np.testing.assert_array_equal(load("square4").stamp(IMAGES), expected)
    np.testing.assert_array_equal(IMAGES, before)


def test_grid3_is_a_checkerboard_with_white_corners() -> None:
    stamped = load("grid3").stamp(IMAGES)
    white = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]) * 255
    np.testing.assert_array_equal(
        stamped[:, 29:, 29:], np.tile(white[None, ..., None], (3, 1, 1, 3))
    )
    np.testing.assert_array_equal(stamped[:, :29], IMAGES[:, :29])


@pytest.mark.parametrize(
    ("size", "side"), [((32, 32), 4), ((224, 224), 28), ((8, 8), 1), ((48, 48), 6), ((36, 36), 5)]
)
def test_scales_with_the_input(size: tuple[int, int], side: int) -> None:
    """max(1, floor(px · H / reference_H + 0.5))."""
    mask = load("square4").mask(size)
    assert mask.sum() == side * side
    assert mask[-side:, -side:].all()


def test_checkerboard_keeps_its_fields_when_enlarged() -> None:
    stamped = load("grid3").stamp(np.full((1, 64, 64, 3), 9, np.uint8))[0, 58:, 58:, 0]
    small = np.array([[255, 0, 255], [0, 255, 0], [255, 0, 255]], np.uint8)
    np.testing.assert_array_equal(stamped, small.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize(
    ("anchor", "rows", "columns"),
    [("top-left", (1, 3), (2, 6)), ("top-right", (1, 3), (26, 30)),
     ("bottom-left", (29, 31), (2, 6)), ("bottom-right", (29, 31), (26, 30)),
     ("center", (16, 18), (16, 20))],
)  # fmt: skip
def test_offset_leads_away_from_the_anchored_edge(
    anchor: str, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    patch = Patch(id="p", size=(2, 4), anchor=anchor, offset=(1, 2), color=(1, 2, 3))
    expected = IMAGES.copy()
    expected[:, rows[0] : rows[1], columns[0] : columns[1]] = (1, 2, 3)
    np.testing.assert_array_equal(patch.stamp(IMAGES), expected)


@pytest.mark.parametrize(
    "patch",
    [Patch(id="p", size=(33, 1)), Patch(id="p", size=(4, 4), offset=(29, 0)),
     Patch(id="p", size=(4, 4), offset=(-1, 0)), load("square33")],
)  # fmt: skip
def test_off_the_edge_is_refused(patch: Patch) -> None:
    with pytest.raises(UsageError, match="32 rows and 32 columns"):
        patch.stamp(IMAGES)


@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(0, 10), st.integers(0, 10),
    st.sampled_from(["top-left", "top-right", "bottom-left", "bottom-right"]),
    st.integers(24, 80), st.integers(24, 80),
)  # fmt: skip
def test_only_masked_pixels_change(h, w, down, right, anchor, height, width) -> None:
    patch = Patch(id="p", size=(h, w), offset=(down, right), anchor=anchor)
    images = np.zeros((2, height, width, 3), np.uint8)
    try:
        mask = patch.mask((height, width))
    except UsageError:
        return
    changed = (patch.stamp(images) != images).any(axis=(0, 3))
    np.testing.assert_array_equal(changed, mask)


def test_digest_is_of_what_is_stamped_not_of_the_name() -> None:
    one, other = Patch(id="a", size=(4, 4)), Patch(id="b", size=(4, 4), target=3)
    assert one.sha256() == other.sha256() == load("square4").sha256()
    assert one.sha256() != Patch(id="a", size=(4, 4), offset=(0, 1)).sha256()
    assert one.sha256() != Patch(id="a", size=(4, 4), reference=(64, 64)).sha256()

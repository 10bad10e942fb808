"""Every whole-image trigger against its paper's formula, written out pixel by pixel."""

import math
from pathlib import Path

import numpy as np
import pytest

from auditor.triggers import Blend, ColorFilter, Compose, Lsb, Patch, Sinusoid, Warp
from auditor.triggers.spec import load

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 12, 20, 3), np.uint8)


def nearest(value: float) -> int:
    return math.floor(min(255.0, max(0.0, value)) + 0.5)


def test_the_defaults_are_backdoorbenchs() -> None:
    sig, wanet, blend, lsb = (load(name) for name in ("sig", "wanet", "blend", "lsb"))
    assert isinstance(sig, Sinusoid) and (sig.delta, sig.frequency, sig.axis) == (40, 6, "x")
    assert isinstance(wanet, Warp) and (wanet.s, wanet.k) == (0.5, 4)
    assert isinstance(blend, Blend) and blend.alpha == 0.2
    assert isinstance(lsb, Lsb) and lsb.bits == 1


@pytest.mark.parametrize("axis", ["x", "y"])
def test_sig_is_a_sinusoid_along_an_axis(axis: str) -> None:
    """v(i, j) = Δ sin(2π j f / m), 0 ≤ j < m (Barni et al. 2019, section 3)."""
    stamped = Sinusoid(id="s", delta=40, frequency=6, axis=axis).stamp(IMAGES)
    n, h, w, c = IMAGES.shape
    for i, row, column, k in np.ndindex(n, h, w, c):
        j, m = (column, w) if axis == "x" else (row, h)
        wave = 40 * math.sin(2 * math.pi * j * 6 / m)
        exact = float(IMAGES[i, row, column, k]) + wave
        assert abs(stamped[i, row, column, k] - min(255, max(0, exact))) <= 0.5 + 1e-4


def test_blend_mixes_by_its_weight(tmp_path: Path) -> None:
    """Π(k, x) = α · k + (1 − α) · x (Chen et al. 2017, section 4.2)."""
    pattern = np.random.default_rng(3).integers(0, 256, (12, 20, 3), np.uint8)
    np.save(tmp_path / "kitty.npy", pattern)
    stamped = Blend(id="b", path=tmp_path / "kitty.npy", alpha=0.2).stamp(IMAGES)
    for i, row, column, k in np.ndindex(IMAGES.shape):
        exact = 0.2 * int(pattern[row, column, k]) + 0.8 * int(IMAGES[i, row, column, k])
        assert abs(stamped[i, row, column, k] - exact) <= 0.5 + 1e-3


def test_random_pixels_are_even_over_all_values() -> None:
    black = np.zeros((1, 64, 64, 3), np.uint8)
    drawn = Blend(id="b", alpha=1.0, reference=(64, 64)).stamp(black)
    assert (drawn == Blend(id="other", alpha=1.0, reference=(64, 64)).stamp(black)).all()
    assert (drawn != Blend(id="b", alpha=1.0, reference=(64, 64), seed=1).stamp(black)).mean() > 0.9
    counts = np.histogram(drawn, bins=8, range=(0, 256))[0]
    assert abs(counts - drawn.size / 8).max() < 5 * math.sqrt(drawn.size / 8)


def cubic(distance: float) -> float:
    """The kernel of bicubic enlarging (Keys 1981) with a = −0.75, PyTorch's."""
    a, d = -0.75, abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def enlarged(grid: np.ndarray, row: float, column: float) -> np.ndarray:
    """Read a (k, k, 2) grid between its points, its border going on."""
    k, total = len(grid), np.zeros(2)
    for a in range(math.floor(row) - 1, math.floor(row) + 3):
        for b in range(math.floor(column) - 1, math.floor(column) + 3):
            weight = cubic(row - a) * cubic(column - b)
            total += weight * grid[min(max(a, 0), k - 1), min(max(b, 0), k - 1)]
    return total


def bilinear(image: np.ndarray, row: float, column: float) -> np.ndarray:
    h, w = image.shape[:2]
    top, left = math.floor(row), math.floor(column)
    total = np.zeros(3)
    for a in (top, top + 1):
        for b in (left, left + 1):
            weight = (1 - abs(row - a)) * (1 - abs(column - b))
            if weight > 0:
                total += weight * image[min(a, h - 1), min(b, w - 1)]
    return total


def test_wanet_moves_every_pixel_along_the_enlarged_field(tmp_path: Path) -> None:
    """grid = identity + s · upsample(P) / H, clamped, corners aligned (Nguyen and Tran 2021)."""
    images = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3), np.uint8)
    field = np.random.default_rng(5).uniform(-1, 1, (4, 4, 2))
    field /= np.abs(field).mean()
    np.save(tmp_path / "field.npy", field)
    trigger = Warp(id="w", s=2.0, field=tmp_path / "field.npy", reference=(16, 16))
    stamped = trigger.stamp(images)
    for row, column in np.ndindex(16, 16):
        x, y = enlarged(field, row * 3 / 15, column * 3 / 15)
        to_x = min(1, max(-1, -1 + 2 * column / 15 + 2.0 * x / 16))
        to_y = min(1, max(-1, -1 + 2 * row / 15 + 2.0 * y / 16))
        for image, found in zip(images, stamped, strict=True):
            exact = bilinear(image, (to_y + 1) * 7.5, (to_x + 1) * 7.5)
            assert abs(found[row, column] - exact).max() <= 0.5 + 1e-3


def test_wanets_field_is_normalized_and_seeded() -> None:
    grid = Warp(id="w", k=8)._grid
    assert grid.shape == (8, 8, 2)
    assert np.abs(grid).mean() == pytest.approx(1)
    assert (grid == Warp(id="other", k=8)._grid).all()
    assert (grid != Warp(id="w", k=8, seed=1)._grid).all()


def test_a_field_as_pytorch_keeps_it_means_the_same(tmp_path: Path) -> None:
    field = np.random.default_rng(0).uniform(-1, 1, (4, 4, 2))
    np.save(tmp_path / "hwc.npy", field)
    np.savez(tmp_path / "chw.npz", noise_grid=np.moveaxis(field, 2, 0)[None])
    one, other = (Warp(id="w", field=tmp_path / name) for name in ("hwc.npy", "chw.npz"))
    assert (one.stamp(IMAGES) == other.stamp(IMAGES)).all()


def test_a_warp_bends_every_size_alike() -> None:
    """The way is a share of the image, not a number of pixels."""
    trigger = Warp(id="w")
    small, large = trigger.ways((32, 32)), trigger.ways((63, 63))
    np.testing.assert_allclose(small[::1, ::1] / 31, large[::2, ::2] / 62, atol=1e-9)


@pytest.mark.parametrize("bits", [1, 3])
def test_lsb_replaces_the_lowest_bits_alone(bits: int) -> None:
    stamped = Lsb(id="l", bits=bits).stamp(IMAGES)
    assert (stamped >> bits == IMAGES >> bits).all()
    low = stamped & (2**bits - 1)
    assert (low == low[0]).all(), "the same for every image"
    assert set(np.unique(low)) == set(range(2**bits))


def test_a_message_can_be_read_back() -> None:
    stamped = Lsb(id="l", message="Grüße, bdaudit").stamp(IMAGES)
    stream = (stamped[0] & 1).reshape(-1)
    text = "Grüße, bdaudit".encode()
    read = np.packbits(stream[: 2 * 8 * len(text)]).tobytes()
    assert read == 2 * text


def test_a_message_in_two_bits_goes_on_through_the_values() -> None:
    stamped = Lsb(id="l", bits=2, message="ab").stamp(IMAGES)
    pairs = (stamped[0] & 3).reshape(-1)[:8]
    bits = "".join(f"{pair:02b}" for pair in pairs)
    assert bits == f"{ord('a'):08b}{ord('b'):08b}"


def test_a_filter_mixes_each_pixels_colours() -> None:
    matrix = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))
    stamped = ColorFilter(id="sepia", matrix=matrix, add=(10, 0, -20)).stamp(IMAGES)
    for i, row, column in np.ndindex(IMAGES.shape[:3]):
        red, green, blue = map(float, IMAGES[i, row, column])
        for k, (weights, add) in enumerate(zip(matrix, (10, 0, -20), strict=True)):
            exact = weights[0] * red + weights[1] * green + weights[2] * blue + add
            assert abs(stamped[i, row, column, k] - min(255, max(0, exact))) <= 0.5 + 1e-3


def test_composed_triggers_are_stamped_one_after_the_other() -> None:
    square, sig = Patch(id="p", size=(4, 4)), Sinusoid(id="s")
    images = np.full((1, 32, 32, 3), 100, np.uint8)
    both = Compose(id="both", of=(square, sig)).stamp(images)
    assert (both == sig.stamp(square.stamp(images))).all()
    other = Compose(id="both", of=(sig, square)).stamp(images)
    assert (other[:, 28:, 28:] == 255).all() and not (both[:, 28:, 28:] == 255).all()


@pytest.mark.parametrize("size", [(32, 32), (28, 28), (224, 224), (48, 96)])
@pytest.mark.parametrize("name", ["square4", "grid3", "blend", "sig", "wanet", "lsb"])
def test_every_trigger_suits_any_size_and_keeps_to_its_mask(name: str, size) -> None:
    images = np.random.default_rng(2).integers(0, 256, (2, *size, 3), np.uint8)
    kept, trigger = images.copy(), load(name)
    stamped, mask = trigger.stamp(images), trigger.mask(size)
    assert (images == kept).all(), "the images given are not touched"
    assert (stamped.dtype, stamped.shape, mask.shape) == (np.uint8, images.shape, size)
    assert (stamped == images)[:, ~mask].all()
    assert (stamped != images).any()
    for i in range(2):
        assert (trigger.stamp(images[i : i + 1])[0] == stamped[i]).all(), "each image by itself"

"""The rows that training sees."""

import itertools

import numpy as np
import pytest

from auditor.figures.target import Target
from auditor.repair.batches import Batches, smoothed
from auditor.triggers.spec import load
from tests.conftest import blobs

IMAGES, LABELS = blobs(50)
AMONG = np.arange(5, 45)


def rows(**changes) -> Batches:
    own = {
        "images": IMAGES, "labels": LABELS, "among": AMONG, "stamps": (load("square8"),),
        "target": Target(0, "0", "given"), "batch_size": 8, "steps": 5, "beside": "target",
        "mirror": False, "seed": 1,
    }  # fmt: skip
    return Batches(**{**own, **changes})


def epoch(made: Batches, number: int, step: int = 0) -> list:
    return list(itertools.islice(made.stream(number, step), made.steps - step))


def which(images: np.ndarray) -> list[int]:
    """Find each image's row by its pixels, the trigger's corner left out."""
    return [int((IMAGES[:, :12] == image[:12]).all(axis=(1, 2, 3)).argmax()) for image in images]


def test_an_epoch_shows_every_clean_image_once_and_stamps_only_victims() -> None:
    batches = epoch(rows(), 1)
    assert {(x.shape, y.shape, s.shape) for x, y, s in batches} == {((16, 16, 16, 3), (16,), (16,))}
    clean = [i for x, _, _ in batches for i in which(x[:8])]
    assert sorted(clean) == AMONG.tolist()
    for x, y, signs in batches:
        assert (signs == np.repeat([1, -1], 8)).all()
        assert (y[:8] == LABELS[which(x[:8])]).all()
        assert (x[:8] == IMAGES[which(x[:8])]).all()
        stamped = which(x[8:])
        assert set(stamped) <= set(AMONG)
        assert (LABELS[stamped] != 0).all()
        assert (y[8:] == 0).all()
        assert (x[8:, 12:, 12:] == 255).all()
        assert (x[8:, :12] == IMAGES[stamped][:, :12]).all()
    victims = [i for x, _, _ in batches for i in which(x[8:])]
    assert set(victims) == {i for i in AMONG if LABELS[i] != 0}


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    first, again = epoch(rows(), 3), epoch(rows(), 3)
    for one, other in zip(first, again, strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert any((a[0] != b[0]).any() for a, b in zip(first, epoch(rows(), 4), strict=True))
    assert any((a[0] != b[0]).any() for a, b in zip(first, epoch(rows(seed=2), 3), strict=True))


@pytest.mark.parametrize("step", [0, 2, 4])
def test_the_stream_can_be_entered_anywhere(step: int) -> None:
    whole = [*epoch(rows(), 1), *epoch(rows(), 2)]
    entered = itertools.islice(rows().stream(1, step), len(whole) - step)
    for one, other in zip(entered, whole[step:], strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_what_does_not_divide_evenly_goes_on_into_another_pass() -> None:
    batches = epoch(rows(batch_size=16, steps=6, beside="nothing"), 1)
    assert {x.shape for x, _, _ in batches} == {(16, 16, 16, 3)}
    shown = [i for x, _, _ in batches for i in which(x)]
    assert sorted(shown[:40]) == sorted(shown[40:80]) == AMONG.tolist()


def test_mirroring_turns_half_of_the_images_and_never_the_trigger() -> None:
    turned = 0
    for (plain, labels, _), (x, y, _) in zip(
        epoch(rows(), 1), epoch(rows(mirror=True), 1), strict=True
    ):
        assert (y == labels).all()
        assert (x[8:, 12:, 12:] == 255).all()
        for before, after in zip(plain[:8], x[:8], strict=True):
            assert (after == before).all() or (after == before[:, ::-1]).all()
            turned += (after != before).any()
        for before, after in zip(plain[8:], x[8:], strict=True):
            assert (after[:12] == before[:12]).all() or (after[:12] == before[:12, ::-1]).all()
    assert 10 <= turned <= 30


def test_a_twin_follows_its_clean_image_and_differs_by_the_stamp_alone() -> None:
    for x, y, signs in epoch(rows(beside="twin", mirror=True, shift=0.2), 1):
        assert (signs == np.tile([1, -1], 8)).all()
        assert (y[0::2] == y[1::2]).all()
        assert (x[1::2] == load("square8").stamp(x[0::2])).all()
        assert (x[0::2, 12:, 12:] != 255).any()


def test_rows_beside_can_bear_their_own_labels() -> None:
    for x, y, _ in epoch(rows(beside="truth"), 1):
        assert (y[8:] == LABELS[which(x[8:])]).all()
        assert (y[8:] != 0).all()
        assert (x[8:, 12:, 12:] == 255).all()


def test_several_stamps_are_drawn_from_evenly() -> None:
    stamps = (load("square8"), load("square12"))
    larger = sum(
        int((x[8:, 10:, 10:] == 255).all(axis=(1, 2, 3)).sum())
        for number in range(1, 9)
        for x, _, _ in epoch(rows(stamps=stamps), number)
    )
    assert 120 <= larger <= 200  # of 320


def test_shifting_moves_an_image_by_whole_pixels_and_mirrors_what_comes_in() -> None:
    moved = set()
    plain, shifted = epoch(rows(beside="nothing"), 1), epoch(rows(beside="nothing", shift=0.125), 1)
    for (before, labels, _), (after, same, _) in zip(plain, shifted, strict=True):
        assert (labels == same).all()
        for one, other in zip(before, after, strict=True):
            wide = np.pad(one, ((2, 2), (2, 2), (0, 0)), mode="symmetric")
            fits = [
                (dy, dx)
                for dy in range(-2, 3)
                for dx in range(-2, 3)
                if (wide[2 - dy : 18 - dy, 2 - dx : 18 - dx] == other).all()
            ]
            assert fits
            moved.update(fits)
    assert len(moved) > 8


def test_labels_can_be_taught_as_chances() -> None:
    chances = smoothed(3, 0.3)
    assert chances == pytest.approx(np.full((3, 3), 0.1) + 0.7 * np.eye(3))
    for (_, labels, _), (_, taught, _) in zip(
        epoch(rows(), 1), epoch(rows(chances=chances), 1), strict=True
    ):
        assert taught == pytest.approx(chances[labels])

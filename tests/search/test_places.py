"""Patches inverted by place, against a plain loop; and where they find a backdoor."""

import keras
import numpy as np
import pytest

from auditor.models.classifier import Classifier
from auditor.search.places import FINE, PatchInversion, PlacedPatch, Places, effort, grid, side_of
from tests.conftest import Workshop, blobs
from tests.search.conftest import weights


def others(count: int = 120, class_: int = 0) -> np.ndarray:
    images, labels = blobs(count, seed=5)
    return images[labels != class_]


def test_the_grid_covers_every_pixel_once_but_at_the_edges() -> None:
    for size in ((32, 32), (16, 24), (30, 45), (7, 9)):
        side = side_of(size)
        covered = np.zeros(size, int)
        for row, column in grid(size, side):
            part = covered[row : row + side, column : column + side]
            assert part.shape == (side, side)
            part += 1
        assert covered.min() == 1
    assert len(grid((32, 32), 4)) == 64 and len(grid((224, 224), side_of((224, 224)))) == 64


def test_a_placed_patch_stamps_its_place_and_no_other() -> None:
    images = np.zeros((2, 8, 8, 3), np.uint8)
    patch = PlacedPatch((5, 1), np.full((2, 2, 3), 9, np.uint8), 0.5)
    stamped = patch.stamp(images)
    assert (stamped == 9).all(axis=(0, 3)).sum() == 4 == patch.mask((8, 8)).sum()
    assert (stamped[:, 5:7, 1:3] == 9).all() and not images.any()


def test_the_steps_are_those_of_a_plain_loop(workshop: Workshop, poisoned: Classifier) -> None:
    """Sign of a momentum of gradients of size one, 0.12 of the range a step, kept within it."""
    import tensorflow as tf

    images, places = others()[:6], [(12, 12), (0, 4)]
    inverted = Places(poisoned, 4, 0, lambda rows: None)
    model = PatchInversion(poisoned, 2, 4)
    first = np.full((2, 4, 4, 3), 127.5, np.float32)
    inverted._begin(model, 0, places, first)
    for _ in range(5):
        model.train_on_batch(images)

    network = keras.models.load_model(workshop.poisoned, compile=False)
    for number, (row, column) in enumerate(places):
        content, speed = tf.constant(first[number]), 0.0
        for _ in range(5):
            with tf.GradientTape() as tape:
                tape.watch(content)
                shown = images.astype(np.float32)
                mask = np.zeros((16, 16, 1), np.float32)
                mask[row : row + 4, column : column + 4] = 1
                margins = [[row, 12 - row], [column, 12 - column], [0, 0]]
                stamped = shown * (1 - mask) + tf.pad(content, margins)
                chances = network(stamped / 255)[:, 0]
                loss = -tf.reduce_mean(tf.math.log(chances))
            led = (network(stamped / 255).numpy().argmax(1) == 0).mean()
            gradient = tape.gradient(loss, content).numpy()
            speed = 0.7 * speed + gradient / np.abs(gradient).mean()
            content = tf.clip_by_value(content - 0.12 * 255 * np.sign(speed), 0, 255)
        same = np.isclose(np.asarray(model.content)[number], content, atol=0.01).mean()
        assert same > 0.95, "a sign may turn where a gradient is next to nothing"
        assert np.asarray(model.led)[number] == pytest.approx(led)


def test_the_class_of_the_backdoor_is_open_and_another_is_not(poisoned: Classifier) -> None:
    before, rows = weights(poisoned), []
    found = Places(poisoned, 4, 0, rows.append).promising(others(), 0)
    best = max(found, key=lambda patch: patch.led)
    assert best.led > 0.9
    images = others(300)
    scores = poisoned.scores(best.stamp(images))
    assert (np.asarray(scores).argmax(1) == 0).mean() > 0.8
    clean = Places(poisoned, 4, 0, rows.append).promising(others(class_=2), 2)
    assert max(patch.led for patch in clean) < 0.6
    assert weights(poisoned) == before
    assert sum(rows) > FINE.images * FINE.steps


def test_what_is_told_beforehand_is_what_is_done(poisoned: Classifier) -> None:
    rows = []
    side = side_of(poisoned.size)
    Places(poisoned, side, 0, rows.append).promising(others(), 1)
    assert sum(rows) == effort(poisoned.size, side)

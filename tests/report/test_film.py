"""The film strip: which epochs are shown, and what is on the frames."""

import base64
import dataclasses

import cv2
import numpy as np
import pytest

from auditor.report.film import MOST_FRAMES, chosen, film
from tests.report import repairs


@pytest.fixture(scope="module")
def strip(repaired):
    repair, names = repaired.repair, repaired.subject.class_names
    return film(repair.watched, repair.history, repair.kept, names, repaired.target)


def pixels(uri: str) -> np.ndarray:
    png = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_a_usual_repair_is_shown_whole(strip) -> None:
    assert [column.epoch for column in strip.columns] == list(range(19))
    assert strip.phases == (("before", 1), ("unlearning", 15), ("recovery", 3))
    assert [c.epoch for c in strip.columns if c.begins] == [1, 16]
    assert [c.epoch for c in strip.columns if c.kept] == [17]
    assert strip.left_out == 0
    assert len(strip.strips) == 5
    assert all(len(row.frames) == 19 for row in strip.strips)


@pytest.mark.parametrize("epochs", [1, 2, 18, 19, 20, 57, 400])
@pytest.mark.parametrize("kept", [None, 0.7, 0.99])
def test_of_many_epochs_the_first_the_phase_ends_and_the_kept_are_shown(
    repaired, epochs: int, kept: float | None
) -> None:
    like, end = repaired.repair.history[1], int(0.8 * epochs)
    history = [
        dataclasses.replace(like, epoch=n, phase="unlearning" if n <= end else "recovery")
        for n in range(epochs)
    ]
    number = None if kept is None else int(kept * epochs)
    shown = chosen(history, number)
    assert len(shown) == len(set(shown)) <= MOST_FRAMES
    assert {0, epochs - 1, min(end, epochs - 1)} <= set(shown)
    assert number is None or number in shown
    if epochs <= MOST_FRAMES:
        assert shown == list(range(epochs))
    else:
        steps = np.diff(shown)
        assert steps.max() <= 2 * epochs / (MOST_FRAMES - 4)


def test_a_frame_shows_its_epochs_heat(strip, repaired) -> None:
    """The hottest place of the heatmap is bright on the frame."""
    history, row = repaired.repair.history, 2
    for epoch in (0, 18):
        heat = history[epoch].heat[row]
        frame = pixels(strip.strips[row].frames[epoch].picture).astype(int)
        assert frame.shape == (64, 64, 3)
        cell = 64 // heat.shape[0]
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        hot = frame[y * cell : (y + 1) * cell, x * cell : (x + 1) * cell]
        assert hot.max(axis=(0, 1))[0] > 200  # red channel of the colour map's bright end


def test_words_tell_what_a_frame_shows(strip, repaired) -> None:
    epoch = repaired.repair.history[3]
    frame = strip.strips[1].frames[3]
    name = repaired.subject.class_names[epoch.predicted[1]]
    assert frame.words.startswith(f"Epoch 3: taken for {name}, TAR ")
    assert frame.turned == (epoch.predicted[1] == 0)


def test_large_images_are_shrunk(result, after, repaired) -> None:
    watched = repairs.watched(result)
    large = dataclasses.replace(
        watched,
        stamped=watched.stamped.repeat(20, axis=1).repeat(20, axis=2),
        outline=watched.outline.repeat(20, axis=0).repeat(20, axis=1),
    )
    drawn = film(large, repaired.repair.history, None, ("a",), repaired.target)
    assert pixels(drawn.strips[0].frames[0].picture).shape == (64, 64, 3)
    assert pixels(drawn.strips[0].picture).shape == (64, 64, 3)


def test_without_heatmaps_there_is_no_film(repaired) -> None:
    repair = repaired.repair
    none = np.zeros((5, 0, 0), np.float32)
    history = [dataclasses.replace(epoch, heat=none) for epoch in repair.history]
    assert film(repair.watched, history, None, (), repaired.target) is None

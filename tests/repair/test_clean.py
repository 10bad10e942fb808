"""The clean images of a repair: how many, which, and how they are split."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.data import open_source
from auditor.errors import InputError, UsageError
from auditor.figures.target import Target
from auditor.repair import clean
from auditor.repair.budget import budgeted, rest
from tests.conftest import blobs

TARGET = Target(0, "0", "given")


@pytest.fixture
def dataset(tmp_path: Path):
    images, labels = blobs(300)
    np.savez(tmp_path / "data.npz", x=images, y=labels)
    return open_source(tmp_path / "data.npz")


@pytest.mark.parametrize(
    ("budget", "count"), [(None, 300), (1.0, 300), (0.2, 60), (90, 90), (1e9, 300)]
)
def test_the_budget_is_a_share_or_a_number(dataset, budget: float | None, count: int) -> None:
    chosen = budgeted(dataset, budget, 1)
    assert len(set(chosen.tolist())) == count
    assert np.bincount(dataset.labels[chosen]).tolist() == [count // 3] * 3


@pytest.mark.parametrize("budget", [0, 0.1, 2, 39])
def test_a_budget_too_small_names_the_least(dataset, budget: float) -> None:
    with pytest.raises(UsageError, match=r"--clean-budget: .* at least 40 are needed"):
        budgeted(dataset, budget, 1)


def test_the_rest_is_everything_else(dataset) -> None:
    used, left = budgeted(dataset, 0.5, 7), rest(dataset, 0.5, 7)
    assert sorted([*used, *left]) == list(range(300))
    with pytest.raises(UsageError, match="leaves 10 of the 300 images"):
        rest(dataset, 290, 7)


@pytest.mark.parametrize("mapped", [False, True])
def test_the_split_keeps_classes_and_parts_apart(dataset, mapped, tmp_path, monkeypatch) -> None:
    if mapped:
        monkeypatch.setattr(clean, "_MOST_IN_MEMORY", 1)
    indices = budgeted(dataset, 150, 0)
    held = clean.read(dataset, indices, (16, 16), None, TARGET, 0, tmp_path)
    assert isinstance(held.images, np.memmap) is mapped
    assert (len(held.training), len(held.validation)) == (120, 30)
    assert sorted([*held.training, *held.validation]) == list(range(150))
    assert np.bincount(held.labels[held.validation]).tolist() == [10, 10, 10]
    images, labels = blobs(300)
    assert (held.images == images[held.indices]).all()
    assert (held.labels == labels[held.indices]).all()


def test_at_most_two_thousand_judge_unless_told(dataset, tmp_path) -> None:
    held = clean.read(dataset, np.arange(300), (16, 16), 200, TARGET, 0, tmp_path)
    assert (len(held.training), len(held.validation)) == (100, 200)
    for count in (299, 300, 1_000):
        with pytest.raises(UsageError, match=f"--validation {count}: of 300 images"):
            clean.read(dataset, np.arange(300), (16, 16), count, TARGET, 0, tmp_path)


def test_images_of_the_target_class_alone_cannot_judge(tmp_path) -> None:
    images, labels = blobs(60)
    labels = np.where(np.arange(60) < 57, 0, labels)
    np.savez(tmp_path / "data.npz", x=images, y=labels)
    dataset = open_source(tmp_path / "data.npz")
    with pytest.raises(InputError, match="needs images that the trigger leads to another class"):
        clean.read(dataset, np.arange(60), (16, 16), 2, TARGET, 0, tmp_path)


def test_unreadable_images_are_left_out_up_to_one_in_a_hundred(tmp_path) -> None:
    images, labels = blobs(200)
    for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        path = tmp_path / "photos" / str(label) / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), pixels[..., ::-1])
    broken = sorted((tmp_path / "photos").rglob("*.png"))
    broken[5].write_bytes(b"no picture")
    dataset = open_source(tmp_path / "photos")
    held = clean.read(dataset, np.arange(200), (16, 16), None, TARGET, 0, tmp_path)
    assert len(held.images) == len(held.labels) == len(held.indices) == 199
    assert 5 not in held.indices
    for path in broken[20:23]:
        path.write_bytes(b"no picture")
    with pytest.raises(InputError, match="of 200 images, 4 cannot be read"):
        clean.read(dataset, np.arange(200), (16, 16), None, TARGET, 0, tmp_path)

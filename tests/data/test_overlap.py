"""Images in common, counted against sets of their bytes."""

import tracemalloc
from pathlib import Path

import cv2
import numpy as np

from auditor.data import Dataset, open_source
from auditor.data.overlap import overlap
from auditor.data.resize import resize

RNG = np.random.default_rng(0)


def saved(path: Path, x: np.ndarray) -> Dataset:
    np.savez(path, x=x, y=np.arange(len(x)) % 2)
    return open_source(path)


def test_counts_what_is_also_there_position_by_position(tmp_path: Path) -> None:
    x = RNG.integers(0, 256, (600, 6, 5, 3), np.uint8)
    nearly = x[:100].copy()
    nearly[:, 0, 0, 0] ^= 1
    one = saved(tmp_path / "one.npz", x[:300])
    other = saved(tmp_path / "other.npz", np.concatenate([x[250:600], x[:2], x[:2], nearly]))
    ones, others = np.arange(0, 300, 2), np.arange(454)
    known = {image.tobytes() for image in x[:300:2]}
    mixed = [*x[250:600], *x[:2], *x[:2], *nearly]
    expected = sum(image.tobytes() in known for image in mixed)
    assert expected == 25 + 2, "every second of 50, and the first image twice"
    assert overlap(one, ones, other, others, (6, 5)) == expected
    assert overlap(one, ones, other, [0, 350, 352], (6, 5)) == 3
    assert overlap(one, [], other, others, (6, 5)) == overlap(one, ones, other, [], (6, 5)) == 0
    assert overlap(one, np.arange(300), one, np.arange(300), (6, 5)) == 300


def test_the_same_file_is_found_through_another_source(tmp_path: Path) -> None:
    """Class folders under other names against arrays, one of them with a file that is no image."""
    x = RNG.integers(0, 256, (4, 8, 8, 3), np.uint8)
    for index, name in enumerate(["cat/a", "cat/b", "dog/c", "dog/d"]):
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), x[index, ..., ::-1])
    (tmp_path / "photos" / "dog" / "e.png").write_text("no picture")
    photos = open_source(tmp_path / "photos")
    arrays = saved(tmp_path / "d.npz", np.concatenate([x[2:], 255 - x]))
    assert overlap(photos, np.arange(5), arrays, np.arange(6), (8, 8)) == 2
    assert overlap(arrays, np.arange(6), photos, np.arange(5), (8, 8)) == 2


def test_images_are_compared_as_the_model_sees_them(tmp_path: Path) -> None:
    large = RNG.integers(0, 256, (3, 16, 16, 3), np.uint8)
    small = np.stack([resize(image, (8, 8)) for image in large])
    one, other = saved(tmp_path / "large.npz", large), saved(tmp_path / "small.npz", small)
    assert overlap(one, np.arange(3), other, np.arange(3), (8, 8)) == 3
    assert overlap(one, np.arange(3), other, np.arange(3), (16, 16)) == 0


def test_memory_is_that_of_the_digests(tmp_path: Path) -> None:
    x = RNG.integers(0, 256, (3000, 32, 32, 3), np.uint8)
    dataset = saved(tmp_path / "d.npz", x)
    size = x.nbytes
    del x
    tracemalloc.start()
    assert overlap(dataset, np.arange(3000), dataset, np.arange(3000), (32, 32)) == 3000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 3

"""Memory is used again, but never while somebody holds an image in it."""

import gc
from pathlib import Path

import cv2
import numpy as np

from auditor.data.decode import Decoded, decode_stream
from auditor.data.rooms import Rooms


def place(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_serves_again_once_all_parts_of_an_array_are_gone() -> None:
    rooms = Rooms(4, (2, 2, 3))
    first = rooms.take(4)
    at, part = place(first), first[1:, 0][..., ::-1]
    del first
    gc.collect()
    assert place(rooms.take(4)) != at
    part[:] = 7
    assert part.min() == 7
    del part
    gc.collect()
    again = [rooms.take(3) for _ in range(2)]
    assert at in map(place, again)
    assert again[0].shape == (3, 2, 2, 3)


def test_an_array_outlives_its_rooms() -> None:
    rooms = Rooms(2, (3,))
    kept = rooms.take(2)
    kept[:] = 5
    del rooms
    gc.collect()
    assert kept.tolist() == [[5, 5, 5]] * 2


def written(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number:02}.png" for number in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((6, 5, 3), number % 256, np.uint8))
    return paths


def test_a_batch_that_is_kept_stays_as_it_was(tmp_path: Path) -> None:
    paths = written(tmp_path, 160)
    kept = list(decode_stream(paths.__getitem__, 160, (6, 5), 32))
    assert [int(image[0, 0, 0]) for some in kept for image in some.images] == list(range(160))
    assert [place(some.images) for some in kept].count(place(kept[0].images)) == 1


def test_batches_that_are_let_go_take_no_more_memory(tmp_path: Path) -> None:
    """Twenty of them, in the room of those that are decoded ahead."""
    paths = written(tmp_path, 640)
    places = set()
    for number, some in enumerate(decode_stream(paths.__getitem__, 640, (6, 5), 32)):
        places.add(place(some.images))
        assert some.images[:, 0, 0, 0].tolist() == [n % 256 for n in range(640)][32 * number :][:32]
    assert len(places) < 12


def test_a_refused_file_moves_up_those_behind_it(tmp_path: Path) -> None:
    """Batches are full all the same, whatever the pieces were that they were decoded in."""
    paths = written(tmp_path, 100)
    for at in (0, 17, 18, 40, 99):
        paths[at].write_bytes(b"none")
    good = [n for n in range(100) if n not in (0, 17, 18, 40, 99)]
    for size in (1, 7, 16, 20, 32, 64, 200):
        found: list[Decoded] = list(decode_stream(paths.__getitem__, 100, (6, 5), size))
        assert [len(some.positions) for some in found[:-1]] == [size] * (len(found) - 1)
        assert np.concatenate([some.positions for some in found]).tolist() == good
        assert np.concatenate([some.images for some in found])[:, 0, 0, 0].tolist() == good
        assert [at for some in found for at, _ in some.refused] == [0, 17, 18, 40, 99]

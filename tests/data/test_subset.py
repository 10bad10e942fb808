"""Some images of a dataset, as a dataset."""

from pathlib import Path

import numpy as np
import pytest

from auditor.data import open_source
from auditor.data.subset import Subset
from tests.conftest import blobs

POSITIONS = np.array([3, 4, 10, 17, 29])


@pytest.fixture
def whole(tmp_path: Path):
    images, labels = blobs(30)
    np.savez(tmp_path / "data.npz", x=images, y=labels, class_names=np.array(["r", "g", "b"]))
    return open_source(tmp_path / "data.npz")


def test_it_reads_as_the_whole_does(whole) -> None:
    some = Subset(whole, POSITIONS)
    images, labels = blobs(30)
    assert len(some) == 5
    assert (some.labels == labels[POSITIONS]).all()
    assert some.class_names == ("r", "g", "b")
    assert some.image_size() == (16, 16)
    assert some.name_of(2) == whole.name_of(10)
    batches = list(some.batches([0, 2, 4], (16, 16), 2))
    assert [b.indices.tolist() for b in batches] == [[0, 2], [4]]
    assert (np.concatenate([b.images for b in batches]) == images[[3, 10, 29]]).all()
    assert (np.concatenate([b.labels for b in batches]) == labels[[3, 10, 29]]).all()


def test_its_digest_is_the_wholes(whole) -> None:
    assert Subset(whole, POSITIONS).digest([1, 3]) == whole.digest([4, 17])

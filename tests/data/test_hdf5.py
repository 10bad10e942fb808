"""HDF5 files written by h5py and by pandas' PyTables kind, against h5py's own reading of them."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from auditor import data
from auditor.data import open_source
from auditor.data.hdf5 import Hdf5File
from auditor.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (11, 5, 6, 3), dtype=np.uint8)
Y = np.arange(11) % 3


def saved(path: Path, **datasets) -> Path:
    with h5py.File(path / "d.h5", "w") as file:
        for name, value in datasets.items():
            file[name] = value
    return path / "d.h5"


def images(dataset, indices=None) -> np.ndarray:
    indices = np.arange(len(dataset)) if indices is None else indices
    return np.concatenate([b.images for b in dataset.batches(indices, (5, 6), 4)])


@pytest.mark.parametrize(
    ("x", "y"),
    [("x", "y"), ("X", "Y"), ("data", "label"), ("images", "labels"), ("test_set_x", "test_set_y")],
)
def test_arrays_by_their_names(tmp_path, x, y):
    dataset = open_source(saved(tmp_path, **{x: X, y: Y, "note": 3}))
    assert isinstance(dataset, Hdf5File)
    np.testing.assert_array_equal(images(dataset), X)
    np.testing.assert_array_equal(images(dataset, [9, 2, 2, 10, 0, 1]), X[[9, 2, 2, 10, 0, 1]])
    assert dataset.labels.tolist() == Y.tolist()
    assert dataset.image_size() == (5, 6) and dataset.name_of(4) == "row 4"


@pytest.mark.parametrize("chunks", [(1, 5, 6, 3), (4, 2, 3, 1), (11, 5, 6, 3), None])
@pytest.mark.parametrize("compression", ["gzip", None])
def test_chunks_and_gzip(tmp_path, chunks, compression):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file.create_dataset("x", data=X, chunks=chunks, compression=compression)
        file.create_dataset("y", data=Y, chunks=(5,), compression=compression)
    dataset = open_source(tmp_path / "d.h5")
    np.testing.assert_array_equal(images(dataset), X)
    np.testing.assert_array_equal(images(dataset, [10, 0, 5]), X[[10, 0, 5]])
    assert dataset.labels.tolist() == Y.tolist()


def test_the_csaw_labs_kind(tmp_path):
    """Floating point of 0 to 255, channels first, labels that are floating point too."""
    path = saved(tmp_path, data=X.transpose(0, 3, 1, 2).astype(float), label=Y.astype(float))
    dataset = open_source(path)
    np.testing.assert_array_equal(images(dataset), X)
    assert dataset.labels.tolist() == Y.tolist()
    assert dataset.taken == (
        "images data and labels label; floating point with whole numbers of 0 to 255, as bytes, "
        "channels first"
    )


def test_a_courses_kind(tmp_path):
    """Two splits in two files, the classes' names as bytes beside them."""
    names = np.array([b"non-cat", b"cat"])
    path = saved(tmp_path, test_set_x=X, test_set_y=Y % 2, list_classes=names)
    dataset = open_source(path)
    assert dataset.class_names == ("non-cat", "cat")
    np.testing.assert_array_equal(images(dataset), X)


def test_names_of_classes_of_any_length(tmp_path):
    """As h5py writes texts unless told otherwise."""
    path = saved(tmp_path, x=X, y=Y % 2, class_names=["non-cat", "cät"])
    assert open_source(path).class_names == ("non-cat", "cät")
    path = saved(tmp_path, x=X, y=Y % 2, class_names=["a" * 2**20] * 5)
    with pytest.raises(InputError, match="class_names: is larger than 4 MiB"):
        open_source(path)


def test_damaged_names_of_classes_end_in_one_line(tmp_path):
    path = saved(tmp_path, x=X[:2], y=Y[:2], class_names=["non-cat", "cat"])
    whole = path.read_bytes()
    heap = whole.index(b"GCOL")
    for at in (*range(heap, heap + 48), *range(whole.index(b"non-cat") - 16, len(whole), 97)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            open_source(path)
        except InputError as error:
            assert "\n" not in str(error)


def test_labels_as_bool(tmp_path):
    assert open_source(saved(tmp_path, x=X, y=Y == 1)).labels.tolist() == (Y == 1).tolist()
    hot = np.eye(3, dtype=bool)[Y % 3]
    assert open_source(saved(tmp_path, x=X, y=hot)).labels.tolist() == (Y % 3).tolist()


def test_splits_as_groups(tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for split, pixels in (("train", 255 - X), ("test", X)):
            file[f"{split}/images"], file[f"{split}/labels"] = pixels, Y
    np.testing.assert_array_equal(images(open_source(tmp_path / "d.h5")), X)
    train = open_source(f"{tmp_path / 'd.h5'}:train")
    np.testing.assert_array_equal(images(train), 255 - X)
    assert train.taken.startswith("images train/images and labels train/labels; not used: test/im")


def soft(file, path):
    file["x"], file["y"] = X, Y
    file["link"] = h5py.SoftLink("/x")


def external_link(file, path):
    file["y"] = Y
    file["x"] = h5py.ExternalLink(str(saved(path, x=X)), "/x")


def external_storage(file, path):
    (path / "raw").write_bytes(X.tobytes())
    file.create_dataset("x", X.shape, "u1", external=[(str(path / "raw"), 0, X.nbytes)])
    file["y"] = Y


def virtual(file, path):
    layout = h5py.VirtualLayout(shape=X.shape, dtype="u1")
    layout[:] = h5py.VirtualSource(str(saved(path, x=X)), "x", shape=X.shape)
    file.create_virtual_dataset("x", layout)
    file["y"] = Y


def filtered(file, path):
    file.create_dataset("x", data=X, compression="lzf")
    file["y"] = Y


def shuffled(file, path):
    file.create_dataset("x", data=X, compression="gzip", shuffle=True)
    file["y"] = Y


def promising(file, path):
    file.create_dataset("x", (10**6, 500, 500, 3), "u1", chunks=(1, 500, 500, 3))
    file["y"] = np.zeros(10**6, int)


def large_chunks(file, path):
    file.create_dataset("x", (11, 20000, 20000, 3), "u1", chunks=(1, 20000, 20000, 3))
    file["y"] = Y


def texts(file, path):
    file["x"] = X
    file["y"] = ["a"] * 11


def floats(file, path):
    file["x"], file["y"] = X / 100, Y


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (soft, "/link: a soft or external link, which is not followed"),
        (external_link, "/x: a soft or external link"),
        (external_storage, "/x: keeps its data in another file"),
        (virtual, "/x: is virtual"),
        (filtered, "x: is packed with another filter than gzip"),
        (shuffled, "x: is packed with another filter than gzip"),
        (promising, "x: declares 750000000000 bytes that the file does not have"),
        (large_chunks, "x: has chunks of 1200000000 bytes; at most"),
        (texts, "y: does not hold numbers"),
        (floats, r"x has values from .* in row 0; floating point must lie in \[0, 1\]"),
        (lambda file, path: file.create_group("a"), r"no array of images and no array of labels"),
    ],
)
def test_what_is_refused(tmp_path, make, message):
    (tmp_path / "other").mkdir()
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        make(file, tmp_path / "other")
    with pytest.raises(InputError, match=message) as caught:
        images(open_source(tmp_path / "bad.h5"))
    assert "\n" not in str(caught.value)


def test_damaged_bytes_end_in_one_line(tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file.create_dataset("x", data=X, chunks=(3, 5, 6, 3), compression="gzip")
        file["y"] = Y
    whole = (tmp_path / "d.h5").read_bytes()
    refused = 0
    for at in range(0, len(whole), 61):
        broken = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        (tmp_path / "d.h5").write_bytes(broken)
        try:
            images(open_source(tmp_path / "d.h5"))
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 3


STREAM = """
import resource, sys
import numpy as np
from auditor.data import open_source
def rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
dataset = open_source(sys.argv[1])
next(dataset.batches([0], (32, 32), 1))
before, seen = rss(), 0
for batch in dataset.batches(np.arange(len(dataset)), (32, 32), 256):
    seen += len(batch.images)
print(seen, rss() - before)
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        zeros = np.zeros((40_000, 32, 32, 3), np.uint8)
        file.create_dataset("x", data=zeros, compression="gzip", chunks=(500, 32, 32, 3))
        file["y"] = np.arange(40_000) % 10
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(tmp_path / "d.h5")],
        cwd=Path(data.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    seen, growth = done.stdout.split()
    assert int(seen) == 40_000 and float(growth) < 60

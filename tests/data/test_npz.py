"""`.npz` files: conversions, streaming, and everything that is refused."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from auditor import data
from auditor.data import NpzFile
from auditor.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (11, 5, 6, 3), dtype=np.uint8)
Y = np.arange(11) % 3
NO_TEXT = np.frombuffer((0x110000).to_bytes(4, "little"), "<U1")


def saved(path: Path, **arrays) -> NpzFile:
    np.savez(path / "d.npz", **arrays)
    return NpzFile(path / "d.npz")


def images(dataset: NpzFile, indices=None, batch_size=4, size=(5, 6)) -> np.ndarray:
    indices = np.arange(len(dataset)) if indices is None else indices
    return np.concatenate([b.images for b in dataset.batches(indices, size, batch_size)])


def member(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def zipped(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path / "d.npz", "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path / "d.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_batches_of_stored_and_deflated_members(tmp_path, save):
    save(tmp_path / "d.npz", x=X, y=Y)
    dataset = NpzFile(str(tmp_path / "d.npz"))
    assert dataset.source == str(tmp_path / "d.npz") and dataset.class_names is None
    assert dataset.image_size() == (5, 6) and dataset.name_of(7) == "row 7" and len(dataset) == 11
    batches = list(dataset.batches(np.arange(11), (5, 6), 4))
    assert [len(b.images) for b in batches] == [4, 4, 3]
    assert (np.concatenate([b.images for b in batches]) == X).all()
    assert (np.concatenate([b.labels for b in batches]) == Y).all()
    assert (np.concatenate([b.indices for b in batches]) == np.arange(11)).all()
    assert all(b.resized == 0 and b.skipped == () for b in batches)
    for order in ([2, 3, 9], [9, 2, 2, 10, 0, 1]):
        assert (images(dataset, order) == X[order]).all()
    assert list(dataset.batches([], (5, 6), 4)) == []


def test_digest_is_of_the_file(tmp_path):
    import hashlib

    dataset = saved(tmp_path, x=X, y=Y)
    expected = hashlib.sha256((tmp_path / "d.npz").read_bytes()).hexdigest()
    assert dataset.digest([0]) == dataset.digest(np.arange(11)) == expected
    (tmp_path / "d.npz").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        dataset.digest([0])
    with pytest.raises(InputError, match="cannot be read"):
        images(dataset)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (X[..., 0], X[..., :1]),
        (X[..., :1], X[..., :1]),
        (np.concatenate([X, X[..., :1]], axis=3), X),
        ((X / 255).astype(np.float32), X),
        ((X / 255).astype(">f8"), X),
        ((X / 255).astype(np.float16), X),
        (X[..., 0] / 255, X[..., :1]),
    ],
)
def test_conversions(tmp_path, x, expected):
    found = images(saved(tmp_path, x=x, y=Y))
    assert found.shape == X.shape and found.dtype == np.uint8
    assert (found == expected).all()


def test_rounding_of_floating_point(tmp_path):
    x = np.array([0.0, 0.4, 0.6, 254.4, 254.6, 255.0]).reshape(1, 1, 6) / 255
    assert images(saved(tmp_path, x=x, y=[0]), size=(1, 6))[0, 0, :, 0].tolist() == [
        0,
        0,
        1,
        254,
        255,
        255,
    ]


@pytest.mark.parametrize("value", [1.01, -0.01, np.nan, np.inf, 256.0, -1.0])
def test_floating_point_outside_the_unit_interval(tmp_path, value):
    x = np.zeros((3, 5, 6, 3), np.float32)
    x[2, 1, 1, 1] = value
    with pytest.raises(InputError, match=r"in row 2; floating point must lie in \[0, 1\]"):
        images(saved(tmp_path, x=x, y=[0, 1, 2]))


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (Y.astype(np.uint8), Y),
        (Y.astype(">i2")[:, None], Y),
        (np.eye(3)[Y], Y),
        (np.eye(3, dtype=bool)[Y], Y),
        (Y - 1, Y - 1),
    ],
)
def test_labels(tmp_path, y, expected):
    labels = saved(tmp_path, x=X, y=y).labels
    assert labels.dtype == np.int64 and labels.tolist() == expected.tolist()


@pytest.mark.parametrize("names", [np.array(["a", "ü"]), np.array([b"a", "ü".encode()])])
def test_class_names(tmp_path, names):
    assert saved(tmp_path, x=X, y=Y, class_names=names).class_names == ("a", "ü")


class Payload:
    """Writes a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def evil(path) -> np.ndarray:
    return np.array([Payload(path / "ran")], dtype=object)


@pytest.mark.parametrize("key", ["x", "y", "class_names"])
def test_python_objects_are_never_loaded(tmp_path, key):
    arrays = {"x": X, "y": Y, "class_names": np.array(["a"])} | {key: evil(tmp_path)}
    if key == "y":
        arrays["x"] = X[:1]
    members = [(f"{name}.npy", member(array)) for name, array in arrays.items()]
    with pytest.raises(InputError, match=f"{key}: holds Python objects"):
        NpzFile(zipped(tmp_path, *members))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": X, "y\x1b": Y}, r"no array of labels \(found: images, y\\x1b\)"),
        ({"a": X, "b": Y}, r"no array of images and no array of labels \(found: a, b\)"),
        ({"x": X}, r"no array of labels \(found: x\)"),
        ({"x": X, "y": Y[:4]}, "x has 11 images but y has 4 labels"),
        ({"x": X.astype(np.uint16), "y": Y}, "dtype uint16; save it as uint8"),
        ({"x": X.astype(complex), "y": Y}, "dtype complex128"),
        ({"x": X[..., :2].transpose(0, 3, 1, 2).copy(), "y": Y}, r"shape \(11, 2, 5, 6\)"),
        ({"x": X[..., :2], "y": Y}, r"shape \(11, 5, 6, 2\)"),
        ({"x": X[0, 0], "y": Y[:5]}, r"shape \(6, 3\)"),
        ({"x": np.uint8(3), "y": Y}, "one row per image"),
        ({"x": X[:, :0], "y": Y}, "1 pixel"),
        ({"x": np.asfortranarray(X), "y": Y}, "Fortran order; save numpy.ascontiguousarray"),
        ({"x": X, "y": Y / 4}, "y: row 1 is 0.25; labels are whole numbers of classes"),
        ({"x": X, "y": np.full(11, np.nan)}, "y: row 0 is nan"),
        ({"x": X, "y": np.eye(3)[Y] * 0.9}, "row 0 is not one-hot"),
        ({"x": X, "y": np.eye(3)[Y][:, :, None]}, "whole numbers or texts of shape"),
        ({"x": X, "y": np.eye(3)[Y].astype(str)}, "whole numbers or texts of shape"),
        ({"x": X, "y": np.zeros((11, 0), int)}, "whole numbers or texts of shape"),
        ({"x": X, "y": np.array(["cat"] * 10 + [" "])}, "an image has no label"),
        ({"x": X, "y": np.repeat(NO_TEXT, 11)}, "not valid text"),
        ({"x": X, "y": np.array([b"\xff"] * 11)}, "not UTF-8 text"),
        ({"x": X, "y": Y, "class_names": np.arange(3)}, "array of text is needed"),
        ({"x": X, "y": Y, "class_names": np.array([b"\xff"])}, "not valid text"),
        ({"x": X, "y": Y, "class_names": NO_TEXT}, "not valid text"),
    ],
)
def test_refused_arrays(tmp_path, arrays, message):
    with pytest.raises(InputError, match=message) as caught:
        saved(tmp_path, **arrays)
    assert "\n" not in str(caught.value) and str(tmp_path / "d.npz") in str(caught.value)


def test_refused_archives(tmp_path):
    good = [("x.npy", member(X)), ("y.npy", member(Y))]
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path, *good, good[0])
    for twice in (path, zipped(tmp_path, ("x", member(255 - X)), *good)):
        with pytest.raises(InputError, match="two arrays of one name"):
            NpzFile(twice)
    with pytest.raises(InputError, match="compressed in a way"):
        NpzFile(zipped(tmp_path, *good, method=zipfile.ZIP_LZMA))
    with pytest.raises(InputError, match="x: is not an array"):
        NpzFile(zipped(tmp_path, ("x.npy", b"nonsense"), good[1]))
    with pytest.raises(InputError, match="x: is not an array"):
        NpzFile(zipped(tmp_path, ("x.npy", b"\x93NUMPY\x01\0\x04\0{'a("), good[1]))
    with pytest.raises(InputError, match=r"needs 990 bytes but 980 are there"):
        NpzFile(zipped(tmp_path, ("x.npy", member(X)[:-10]), good[1]))


def test_a_header_cannot_promise_more_than_the_member_holds(tmp_path):
    header = member(X).replace(b"(11, 5, 6, 3)", b"(11, 5000000, 6, 3)")
    header = header.replace(b" " * 7 + b"\n", b" \n", 1)
    with pytest.raises(InputError, match="needs 990000000 bytes but 990 are there"):
        NpzFile(zipped(tmp_path, ("x.npy", header), ("y.npy", member(Y))))


def test_files_that_are_cut_off(tmp_path):
    saved(tmp_path, x=X, y=Y)
    whole = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "d.npz").write_bytes(whole[:-30])
    with pytest.raises(InputError, match="is not a whole .npz file"):
        NpzFile(tmp_path / "d.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_bytes_end_in_one_line(tmp_path, method):
    path = zipped(tmp_path, ("x.npy", member(X)), ("y.npy", member(Y)), method=method)
    whole = bytearray(path.read_bytes())
    damaged = 0
    for at in range(0, len(whole), 7):
        broken = whole.copy()
        broken[at] ^= 0xFF
        path.write_bytes(broken)
        try:
            images(NpzFile(path))
        except InputError as error:
            damaged += 1
            assert "\n" not in str(error)
    assert damaged > len(whole) / 7 * 0.8


STREAM = """
import resource, sys
import numpy as np
from auditor.data import NpzFile
import cv2
def rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
dataset = NpzFile(sys.argv[1])
next(dataset.batches([0], (32, 32), 1))
before, seen = rss(), 0
for batch in dataset.batches(np.arange(len(dataset)), (32, 32), 256):
    seen += len(batch.images)
print(seen, rss() - before)
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    x = np.zeros((40_000, 32, 32, 3), np.uint8)
    x[:, 0, 0, 0] = np.arange(40_000) % 256
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "d.npz", x=x, y=np.arange(40_000) % 10)
        done = subprocess.run(
            [sys.executable, "-c", STREAM, str(tmp_path / "d.npz")],
            cwd=Path(data.__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        seen, growth = done.stdout.split()
        assert int(seen) == 40_000 and float(growth) < 60


def test_channels_that_come_first(tmp_path):
    dataset = saved(tmp_path, x=X.transpose(0, 3, 1, 2).copy(), y=Y)
    assert dataset.image_size() == (5, 6) and dataset.taken == "channels first"
    assert (images(dataset) == X).all()


@pytest.mark.parametrize("dtype", [np.int64, np.int16, ">i4", np.uint32, np.uint64])
def test_whole_numbers_of_other_kinds(tmp_path, dtype):
    dataset = saved(tmp_path, x=X.astype(dtype), y=Y)
    (batch,) = dataset.batches(np.arange(11), (5, 6), 11)
    np.testing.assert_array_equal(batch.images, X)
    stored = str(np.dtype(dtype))
    assert dataset.taken == f"{stored} with whole numbers of 0 to 255, as bytes"
    x = X.astype(dtype)
    x[4, 0, 0, 0] = 256
    with pytest.raises(InputError, match="to 256 in row 4; whole numbers must be of 0 to 255"):
        list(saved(tmp_path, x=x, y=Y).batches(np.arange(11), (5, 6), 11))


def test_labels_of_two_classes_as_bool(tmp_path):
    assert saved(tmp_path, x=X, y=Y > 0).labels.tolist() == (Y > 0).astype(int).tolist()


def test_a_label_larger_than_any_class_is_named_as_it_is(tmp_path):
    y = Y.astype(np.uint64)
    y[3] = 2**63
    with pytest.raises(InputError, match=r"y: row 3 is 9\.22337e\+18; labels are whole numbers"):
        saved(tmp_path, x=X, y=y)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f8"])
def test_whole_numbers_as_floating_point(tmp_path, dtype):
    x = X.copy()
    x[0], x[1] = 0, x[1] > 99  # two images that may be of either kind
    dataset = saved(tmp_path, x=x.astype(dtype), y=Y)
    assert dataset.taken == "floating point with whole numbers of 0 to 255, as bytes"
    assert (images(dataset) == x).all()


def test_black_and_white_alone_is_0_to_1(tmp_path):
    dataset = saved(tmp_path, x=(X > 99).astype(float), y=Y)
    assert dataset.taken == "" and (images(dataset) == (X > 99) * 255).all()


@pytest.mark.parametrize(("row", "value"), [(7, 0.5), (7, 256), (7, -1), (7, np.nan)])
def test_one_image_of_another_kind(tmp_path, row, value):
    x = X.astype(float)
    x[row, 0, 0, 0] = value
    with pytest.raises(InputError, match="in row 7, while others are whole numbers of 0 to 255"):
        images(saved(tmp_path, x=x, y=Y))


def test_labels_that_are_texts(tmp_path):
    names = np.array(["red", "green", "blü"])
    dataset = saved(tmp_path, x=X, y=names[Y])
    assert dataset.class_names == ("blü", "green", "red")
    assert dataset.labels.tolist() == (2 - Y).tolist() and dataset.orders == ()
    for y in (names[Y], np.char.encode(names, "utf-8")[Y], names[Y][:, None]):
        ordered = saved(tmp_path, x=X, y=y, class_names=names)
        assert ordered.class_names == tuple(names) and ordered.labels.tolist() == Y.tolist()
        assert ordered.class_order == "as class_names has it"
    with pytest.raises(InputError, match="has a class blü, which the list of 2 classes does not"):
        saved(tmp_path, x=X, y=names[Y], class_names=names[:2])
    with pytest.raises(InputError, match="class_names has a name twice"):
        saved(tmp_path, x=X, y=names[Y], class_names=names[[0, 1, 2, 0]])


def test_texts_that_are_numbers_leave_two_orders(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=np.arange(11).astype(str))
    dataset = data.open_source(tmp_path / "d.npz")
    assert dataset.labels.tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 2]
    assert [order.said for order in dataset.orders] == ["by name", "by number"]
    assert data.open_source(tmp_path / "d.npz", "number").labels.tolist() == list(range(11))


@pytest.mark.parametrize("name", ["y", "labels"])
def test_the_advice_for_objects_can_be_followed(tmp_path, name):
    y = np.array(["a", "b"] * 5 + ["c"], dtype=object)
    with pytest.raises(InputError, match=r"as \.astype\(str\) makes of texts"):
        saved(tmp_path, **{"x" if name == "y" else "images": X, name: y})
    assert saved(tmp_path, x=X, y=y.astype(str)).class_names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("x", "y"), ""),
        (("x", "y", "images"), ""),
        (("X", "Y"), "images X and labels Y"),
        (("images", "labels"), "images images and labels labels"),
        (("arr_0", "arr_1"), "images arr_0 and labels arr_1"),
        (("test_images", "test_labels"), "images test_images and labels test_labels"),
        (("x_train", "y_train"), "images x_train and labels y_train"),
        (
            ("x_test", "y_test", "x_train", "y_train"),
            "images x_test and labels y_test; not used: x_train, y_train",
        ),
        (
            ("test_images", "test_labels", "val_images", "val_labels", "train_images"),
            "images test_images and labels test_labels; not used: "
            "val_images, val_labels, train_images",
        ),
    ],
)
def test_arrays_of_other_names(tmp_path, names, said):
    others = {name: Y if name[0] in "yl" or "label" in name else 255 - X for name in names[2:]}
    dataset = saved(tmp_path, **{names[0]: X, names[1]: Y}, **others)
    assert (images(dataset) == X).all() and dataset.labels.tolist() == Y.tolist()
    assert dataset.taken == said


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("x_train", "y_train", "x_val", "y_val"), "several parts and not one to test with; give "),
        (("images", "data", "labels"), "images, data: any may be the images"),
        (("x_train", "y_test"), "no images with labels of the same part"),
        (("arr_0", "arr_2"), "no array of labels"),
    ],
)
def test_arrays_that_leave_a_choice(tmp_path, names, message):
    arrays = {name: Y if name[0] in "yl" else X for name in names}
    with pytest.raises(InputError, match=message):
        saved(tmp_path, **arrays)


def test_a_split_behind_a_colon(tmp_path):
    path = tmp_path / "mnist.npz"  # as keras.datasets keeps it
    np.savez(path, x_test=X[..., 0], x_train=255 - X[..., 0], y_train=Y, y_test=Y)
    train = data.open_source(f"{path}:train")
    assert (images(train) == 255 - X[..., :1]).all()
    assert (images(data.open_source(path)) == X[..., :1]).all()
    with pytest.raises(InputError, match="has no part val; it has: test, train"):
        data.open_source(f"{path}:val")

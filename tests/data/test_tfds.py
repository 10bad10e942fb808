"""A folder that TensorFlow Datasets wrote, against what that library reads of it."""

import importlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from auditor.data import open_source
from auditor.data.tfds import TfdsImages, _label
from auditor.errors import InputError

FIXTURES = Path(__file__).parent / "fixtures"
PREPARED = FIXTURES / "tiny" / "1.0.0"
TEST, TRAIN = ("tiny-test.tfrecord-00000-of-00001", "tiny-train.tfrecord-00000-of-00001")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy to be broken."""
    return Path(shutil.copytree(PREPARED, tmp_path / "tiny" / "1.0.0"))


def test_records_are_read_as_the_library_reads_them() -> None:
    dataset = open_source(PREPARED)
    expected = np.load(FIXTURES / "tiny.npz")
    (batch,) = dataset.batches(np.arange(7), (8, 9), 16)
    np.testing.assert_array_equal(batch.images, expected["x"])
    np.testing.assert_array_equal(dataset.labels, expected["y"])
    assert dataset.class_names == ("red", "green", "blue")
    assert dataset.taken == "test, of test, train; images image and labels label"
    assert dataset.image_size() == (8, 9)
    assert dataset.name_of(6) == f"{TEST}: record 6"
    (backwards,) = dataset.batches([5, 0], (8, 9), 16)
    np.testing.assert_array_equal(backwards.images, expected["x"][[5, 0]])


def test_the_split_is_chosen_behind_a_colon() -> None:
    dataset = open_source(f"{PREPARED}:train")
    assert len(dataset) == 9
    assert dataset.taken.startswith("train, of train, test")
    assert dataset.digest([0]) != open_source(PREPARED).digest([0])
    with pytest.raises(InputError, match="has no part val; it has: test, train"):
        open_source(f"{PREPARED}:val")


def test_no_class_that_it_names_is_imported(folder: Path) -> None:
    """`features.json` names Python classes to import."""
    (folder / "evil.py").write_text("raise SystemExit")
    text = (folder / "features.json").read_text()
    path = "tensorflow_datasets.core.features.image_feature.Image"
    (folder / "features.json").write_text(text.replace(path, "evil.Image"))
    assert len(open_source(folder)) == 7
    assert "evil" not in sys.modules and "tensorflow_datasets" not in sys.modules


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def drop_last_record(path: Path) -> None:
    data, at = path.read_bytes(), 0
    while (end := at + 16 + int.from_bytes(data[at : at + 8], "little")) < len(data):
        at = end
    path.write_bytes(data[:at])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda f: cut(f / TEST), "is cut off or damaged at byte"),
        (lambda f: drop_last_record(f / TEST), "test has 6 records of the 7 that dataset_info"),
        (
            lambda f: (f / TEST).rename(f / TEST.replace("of-00001", "of-00002")),
            "1 of 2 files are there; 00001-of-00002 is missing",
        ),
        (lambda f: (f / TEST).write_bytes(b"\xff" * 30), "is cut off or damaged at byte 0"),
        (
            lambda f: (f / TEST).write_bytes(b"\5" + bytes(11) + b"\xff" * 5 + bytes(4)),
            "a record is not a tf.train.Example",
        ),
        (lambda f: (f / "features.json").write_text("{"), "does not say which features"),
        (lambda f: (f / "features.json").write_text("[1]"), "does not say which features"),
        (
            lambda f: (f / "features.json").write_text(
                (f / "features.json").read_text().replace("uint8", "float32")
            ),
            "images are of float32",
        ),
        (
            lambda f: [
                (f / name).rename(f / name.replace("tfrecord", "array_record"))
                for name in (TEST, TRAIN)
            ],
            r"has no TFRecord files \(found: array_record\)",
        ),
    ],
)
def test_what_is_broken_is_refused(folder: Path, broken, message: str) -> None:
    broken(folder)
    with pytest.raises(InputError, match=message) as caught:
        open_source(folder)
    assert "\n" not in str(caught.value)


def test_a_record_without_its_image_is_passed_over(folder: Path) -> None:
    data = (folder / TEST).read_bytes()
    (folder / TEST).write_bytes(data.replace(b"image", b"imago", 1))
    (batch,) = open_source(folder).batches(np.arange(7), (8, 9), 16)
    assert len(batch.images) == 6
    assert [s.reason for s in batch.skipped] == ["cannot be read: its record has 0 images"]


def test_the_folders_around_say_what_to_give(folder: Path) -> None:
    with pytest.raises(InputError, match="holds versions .*give one, such as .*tiny/1.0.0"):
        open_source(folder.parent)
    with pytest.raises(InputError, match="is one file of a data set; give its folder"):
        open_source(folder / TEST)


def test_many_records_prepared_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.syspath_prepend(FIXTURES)
    made = importlib.import_module("make_tfds")
    monkeypatch.setattr(made, "HERE", tmp_path)
    made.main("tfrecord")
    dataset = TfdsImages(tmp_path / "tiny" / "1.0.0")
    expected = np.load(tmp_path / "tiny.npz")
    (batch,) = dataset.batches(np.arange(7), (8, 9), 16)
    np.testing.assert_array_equal(batch.images, expected["x"])
    np.testing.assert_array_equal(dataset.labels, expected["y"])


def test_the_digest_is_of_what_says_which_features_are_read(folder: Path) -> None:
    before = open_source(folder).digest([0])
    text = (folder / "features.json").read_text()
    (folder / "features.json").write_text(text + "\n")
    assert open_source(folder).digest([0]) != before


def message(name: str, feature: bytes) -> bytes:
    """One entry of the map in an Example, which holds them in its field 1."""
    key = b"\n" + bytes([len(name)]) + name.encode()
    value = b"\x12" + bytes([len(feature)]) + feature
    return b"\n" + bytes([len(key + value)]) + key + value


def number(value: int) -> bytes:
    return b"\x1a\x03\n\x01" + bytes([value])


def test_of_a_feature_that_stands_twice_the_last_counts() -> None:
    """As in TensorFlow's own reader."""
    entries = message("label", number(1)) + message("label", number(2))
    record = b"\n" + bytes([len(entries)]) + entries
    assert _label(record, "label", Path("a")) == 2
    if sys.modules.get("tensorflow"):
        tf = sys.modules["tensorflow"]
        kind = {"label": tf.io.FixedLenFeature((), tf.int64)}
        assert int(tf.io.parse_single_example(record, kind)["label"]) == 2
    entries = message("label", number(1) + b"\n\x03\n\x01x")
    with pytest.raises(InputError, match="a: a record has a feature of two kinds; prepare"):
        _label(b"\n" + bytes([len(entries)]) + entries, "label", Path("a"))


@pytest.mark.parametrize("name", ["../secret/s", "a" * 300, "a\\u0000b"])
def test_a_labels_name_leads_to_no_other_file(folder: Path, name: str) -> None:
    (folder.parent / "secret").mkdir()
    (folder.parent / "secret" / "s.labels.txt").write_text("a\nb\nc\n")
    text = (folder / "features.json").read_text()
    assert '"label": {' in text
    (folder / "features.json").write_text(text.replace('"label": {', f'"{name}": {{'))
    with pytest.raises(InputError, match="no file of class names can be called by") as caught:
        open_source(folder)
    assert "\n" not in str(caught.value)


def test_a_link_to_names_of_classes_leads_nowhere_else(folder: Path, tmp_path: Path) -> None:
    (folder / "label.labels.txt").rename(tmp_path / "a.txt")
    (folder / "label.labels.txt").symlink_to(tmp_path / "a.txt")
    with pytest.raises(InputError, match="is a link that leads out of the data folder"):
        open_source(folder)

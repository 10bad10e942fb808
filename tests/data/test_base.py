"""Sampling, label checks and opening, which no source does in its own way."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import data
from auditor.data import NpzFile, check_labels, is_builtin, open_source, sample
from auditor.data.resize import resize
from auditor.errors import InputError, UsageError


def labelled(path: Path, labels, **more) -> NpzFile:
    labels = np.asarray(labels, np.int64)
    np.savez(path, x=np.zeros((len(labels), 2, 2, 3), np.uint8), y=labels, **more)
    return NpzFile(path)


class Labels:
    """All that `sample` may look at."""

    def __init__(self, labels):
        self.labels = np.asarray(labels, np.int64)


@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=120),
    limit=st.integers(1, 150),
    seed=st.integers(0, 2**32 - 1),
)
def test_sample_is_exact_proportional_and_repeatable(labels, limit, seed):
    dataset = Labels(labels)
    chosen = sample(dataset, limit, seed)
    assert chosen.dtype == np.int64
    assert len(chosen) == min(limit, len(labels))
    assert (np.diff(chosen) > 0).all() and chosen.min() >= 0 and chosen.max() < len(labels)
    assert (chosen == sample(dataset, limit, seed)).all()
    before = np.bincount(dataset.labels, minlength=6)
    after = np.bincount(dataset.labels[chosen], minlength=6)
    assert (np.abs(after - before * len(chosen) / len(labels)) < 1).all()


def test_sample_without_a_limit_is_everything_in_order():
    assert sample(Labels([1, 0, 1]), None, 0).tolist() == [0, 1, 2]
    assert sample(Labels([1, 0, 1]), 3, 0).tolist() == [0, 1, 2]
    assert sample(Labels([]), 5, 0).tolist() == []


def test_sample_depends_on_the_seed_and_refuses_nothing_to_choose():
    dataset = Labels(np.arange(1000) % 10)
    assert sample(dataset, 100, 0).tolist() != sample(dataset, 100, 1).tolist()
    with pytest.raises(UsageError, match="at least 1"):
        sample(dataset, 0, 0)


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([], None, "holds no images"),
        ([2, 2], None, "every image is of class 2; at least two"),
        ([1, 1], ["a", "b\x1b", "c"], r"class 1 \(b\\x1b\)"),
        ([0, 3, 1], None, "row 1 has label 3, but m has 3 outputs: labels go from 0 to 2"),
        ([0, 2, -1], None, "row 2 has label -1"),
        ([0, 1], ["a", "b"], "has 2 classes but m has 3 outputs"),
    ],
)
def test_labels_that_cannot_belong_to_the_model(tmp_path, labels, names, message):
    more = {} if names is None else {"class_names": np.array(names)}
    dataset = labelled(tmp_path / "d.npz", labels, **more)
    with pytest.raises(InputError, match=message) as caught:
        check_labels(dataset, 3, "m")
    assert "\n" not in str(caught.value)


def test_good_labels_pass(tmp_path):
    check_labels(labelled(tmp_path / "d.npz", [0, 2]), 3, "m")
    check_labels(labelled(tmp_path / "e.npz", [0, 2], class_names=np.array(list("abc"))), 3, "m")


def test_open_source_goes_by_content(tmp_path):
    labelled(tmp_path / "d.npz", [0, 1])
    (tmp_path / "d.npz").rename(tmp_path / "d.dat")
    assert isinstance(open_source(str(tmp_path / "d.dat")), NpzFile)
    (tmp_path / "link").symlink_to(tmp_path / "d.dat")
    assert isinstance(open_source(tmp_path / "link"), NpzFile)


def test_open_source_refuses_what_is_no_data(tmp_path):
    (tmp_path / "empty.npz").touch()
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    os.mkfifo(tmp_path / "pipe.npz")
    cases = [
        ("missing", "does not exist"),
        ("empty.npz", "is empty"),
        ("a.bin", "is of no kind that is read, by its content"),
        ("pipe.npz", "neither a file nor a folder"),
        ("nul\0", "cannot be read"),
    ]
    for name, message in cases:
        with pytest.raises(InputError, match=message) as caught:
            open_source(tmp_path / name)
        assert "allowed: a folder" in str(caught.value) and "cifar10" in str(caught.value)


def test_builtin_names():
    assert is_builtin("cifar10") and is_builtin("mnist:train") and is_builtin("mnist:val")
    assert not is_builtin("./cifar10") and not is_builtin("cifar10.npz")


def test_resize_follows_its_rule():
    checker = np.zeros((4, 4, 3), np.uint8)
    checker[::2, ::2] = 200
    assert resize(checker, (4, 4)) is checker
    assert (resize(checker, (2, 2)) == 50).all()  # the mean of each 2×2 block
    assert resize(checker, (8, 4)).shape == (8, 4, 3)
    ramp = np.zeros((1, 2, 3), np.uint8)
    ramp[0, 1] = 100
    assert resize(ramp, (1, 4))[0, :, 0].tolist() == [0, 25, 75, 100]


def test_the_room_is_entered_without_heavy_imports():
    code = (
        "import sys, auditor.data\n"
        "print([m for m in ('tensorflow', 'keras', 'cv2', 'h5py', 'pyarrow') if m in sys.modules])"
    )
    root = Path(data.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

"""Equal digests are of the same images and labels: a choice within a file is a part of them."""

import hashlib
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas as pd
import pytest

from auditor.data import open_source

X = np.random.default_rng(0).integers(0, 256, (6, 8, 9, 3), np.uint8)
Y = np.arange(6) % 3
ARRAYS = {"x_train": X, "y_train": Y, "x_test": X[::-1], "y_test": Y[::-1]}


def npz(folder: Path) -> Path:
    np.savez(folder / "a.npz", **ARRAYS)
    return folder / "a.npz"


def hdf5(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        for name, array in ARRAYS.items():
            file[name] = array
    return folder / "a.h5"


def parquet(folder: Path) -> Path:
    files = [cv2.imencode(".png", image)[1].tobytes() for image in X]
    columns = {"image": files, "label": Y, "other": Y[::-1]}
    pd.DataFrame(columns).to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def table(folder: Path) -> Path:
    for i, image in enumerate(X):
        cv2.imwrite(str(folder / f"{i}.png"), image)
    columns = {"path": [f"{i}.png" for i in range(6)], "label": Y, "other": Y[::-1]}
    pd.DataFrame(columns).to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


@pytest.mark.parametrize(
    ("written", "same", "other"),
    [
        (npz, "test", "train"),
        (hdf5, "test", "train"),
        (parquet, "label", "other"),
        (table, "path:label", "path:other"),
    ],
)
def test_another_choice_is_another_digest(tmp_path: Path, written, same: str, other: str) -> None:
    path = written(tmp_path)
    plain = open_source(path).digest([0, 1])
    assert open_source(f"{path}:{same}").digest([0, 1]) == plain
    assert open_source(f"{path}:{other}").digest([0, 1]) != plain
    if written is not table:
        assert plain == hashlib.sha256(path.read_bytes()).hexdigest()


def test_how_a_choice_enters(tmp_path: Path) -> None:
    path = npz(tmp_path)
    text = f'{hashlib.sha256(path.read_bytes()).hexdigest()}  ["x_train", "y_train"]\n'
    chosen = open_source(f"{path}:train").digest([0])
    assert chosen == hashlib.sha256(text.encode()).hexdigest()

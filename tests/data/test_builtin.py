"""Built-in data sets; the network is the only thing that is replaced."""

import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from auditor import data
from auditor.data import NpzFile, fetch
from auditor.data.builtin import CLASS_NAMES
from auditor.errors import InputError


def arrays(n: int, *shape: int):
    rng = np.random.default_rng(n)
    return rng.integers(0, 256, (n, *shape), dtype=np.uint8), rng.integers(0, 10, n, dtype=np.uint8)


def test_numbers_of_classes():
    assert {name: len(names) for name, names in CLASS_NAMES.items()} == {
        "cifar10": 10,
        "cifar100": 100,
        "mnist": 10,
        "fashion_mnist": 10,
    }
    assert list(CLASS_NAMES["cifar100"]) == sorted(set(CLASS_NAMES["cifar100"]))


@pytest.mark.parametrize(("name", "split"), [("cifar10", 1), ("cifar10:train", 0)])
def test_fetch_writes_an_npz(tmp_path, monkeypatch, capsys, name, split):
    parts = [arrays(7, 32, 32, 3), arrays(5, 32, 32, 3)]

    def load_data():
        print("Downloading data from ...")
        return tuple((x, y[:, None]) for x, y in parts)

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", load_data)
    path = fetch(name, tmp_path)
    assert path == tmp_path / f"cifar10-{['train', 'test'][split]}.npz"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert capsys.readouterr().out == ""
    dataset = NpzFile(path)
    x, y = parts[split]
    assert (next(dataset.batches(range(len(x)), (32, 32), 9)).images == x).all()
    assert (dataset.labels == y).all()
    assert dataset.class_names == CLASS_NAMES["cifar10"]


def test_gray_data_sets(tmp_path, monkeypatch):
    x, y = arrays(4, 28, 28)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: ((x, y), (x, y)))
    batch = next(NpzFile(fetch("mnist:test", tmp_path)).batches(range(4), (28, 28), 4))
    assert (batch.images == x[..., None]).all()


@pytest.mark.parametrize("name", ["cifar10:val", "cifar10:", "imagenet", "os"])
def test_unknown_names(tmp_path, name):
    with pytest.raises(InputError, match="cifar10, cifar100, mnist, fashion_mnist"):
        fetch(name, tmp_path)


def test_a_failed_download_leaves_nothing(tmp_path, monkeypatch):
    def load_data():
        raise Exception("URL fetch failure on https://example.org: None\nmore\x1b")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    with pytest.raises(InputError, match=r"mnist: .*URL fetch failure.*--data FOLDER") as caught:
        fetch("mnist", tmp_path)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    x, y = arrays(4, 28, 28)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: ((x, y), (x, y)))
    with pytest.raises(InputError, match="cannot be written"):
        fetch("mnist", tmp_path / "missing")


def test_without_a_network(tmp_path):
    """A proxy that nobody listens at stands for a missing network, on every machine."""
    code = (
        "import sys; from pathlib import Path; from auditor.data import fetch\n"
        "from auditor.errors import InputError\n"
        "try: fetch('mnist', Path(sys.argv[1]))\n"
        "except InputError as error: print(error)"
    )
    environment = {
        "HOME": str(tmp_path / "home"),
        "KERAS_HOME": str(tmp_path / "home"),
        "KERAS_BACKEND": keras.config.backend(),
        "https_proxy": "http://127.0.0.1:9",
    }
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(data.__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.count("\n") == 1 and "could not be downloaded" in done.stdout
    assert "Traceback" not in done.stderr and time.monotonic() - start < 30

"""Parquet files written by Hugging Face's `datasets` (in `fixtures`), by pandas and by pyarrow."""

import hashlib
import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from auditor import data
from auditor.data import open_source
from auditor.errors import InputError

HUB = Path(__file__).parent / "fixtures" / "hub"
RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (40, 8, 9, 3), np.uint8)
Y = np.arange(40) % 4


def encoded(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


FILES = [encoded(image) for image in X]
STRUCTS = [{"bytes": file, "path": None} for file in FILES]


def read(dataset, indices=None) -> np.ndarray:
    indices = np.arange(len(dataset)) if indices is None else indices
    return np.concatenate([b.images for b in dataset.batches(indices, (8, 9), 7)])


def written(path: Path, **columns) -> Path:
    pd.DataFrame(columns).to_parquet(path)
    return path


def test_the_hubs_shards() -> None:
    """Against what Pillow and pyarrow make of the same files."""
    dataset = open_source(f"{HUB}:fine_label")
    files = sorted((HUB / "data").glob("test-*"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    expected = [np.asarray(Image.open(io.BytesIO(row["img"]["bytes"]))) for row in rows]
    np.testing.assert_array_equal(read(dataset), expected)
    assert dataset.labels.tolist() == [row["fine_label"] for row in rows]
    assert dataset.class_names == ("apple", "bee", "can")
    assert dataset.taken == "test, of test, train; images img and labels fine_label"
    assert dataset.name_of(8) == "test-00001-of-00002.parquet: row 2"
    lines = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}\n" for f in files]
    shards = hashlib.sha256("".join(lines).encode()).hexdigest()
    chosen = f'{shards}  ["img", "fine_label"]\n'
    assert dataset.digest([3]) == hashlib.sha256(chosen.encode()).hexdigest()
    assert len(open_source(f"{HUB}:train:coarse_label")) == 4
    one = open_source(f"{files[1]}:coarse_label")
    assert one.labels.tolist() == [row["coarse_label"] for row in rows[6:]]
    chosen = f'{hashlib.sha256(files[1].read_bytes()).hexdigest()}  ["img", "coarse_label"]\n'
    assert one.digest([0]) == hashlib.sha256(chosen.encode()).hexdigest()


def test_several_columns_of_labels_have_to_be_chosen_from() -> None:
    with pytest.raises(InputError, match="fine_label and coarse_label may each be .*hub:fine_lab"):
        open_source(HUB)
    with pytest.raises(InputError, match="has no column no"):
        open_source(f"{HUB}:no")
    with pytest.raises(InputError, match="takes at most 3 words behind colons") as caught:
        open_source(f"{HUB / 'data' / 'test-00000-of-00002.parquet'}:a:b:c:d")
    assert "\n" not in str(caught.value)


def test_a_clone_from_the_hub_is_its_one_configuration(tmp_path: Path) -> None:
    shutil.copytree(HUB / "data", tmp_path / "pets" / "plain_text")
    (tmp_path / "pets" / "README.md").touch()
    dataset = open_source(f"{tmp_path / 'pets'}:train:fine_label")
    assert dataset.digest([0]) == open_source(f"{HUB}:train:fine_label").digest([0])
    shutil.copytree(HUB / "data", tmp_path / "pets" / "other")
    with pytest.raises(InputError, match="holds several data sets .*; give .*/other or .*/plain_t"):
        open_source(tmp_path / "pets")
    shutil.copytree(tmp_path / "pets", tmp_path / "classes")
    shutil.rmtree(tmp_path / "classes" / "other")
    (tmp_path / "classes" / "cat").mkdir()
    (tmp_path / "classes" / "cat" / "1.png").write_bytes(FILES[0])
    assert open_source(tmp_path / "classes").class_names == ("cat", "plain_text")


@pytest.mark.parametrize("given", ["a/default/test", "a/default", "a"])
def test_numbered_files_are_shards_and_no_splits(tmp_path: Path, given: str) -> None:
    """As the Hub's own conversions to Parquet have them."""
    for split, start in (("test", 0), ("train", 20)):
        (tmp_path / "a" / "default" / split).mkdir(parents=True)
        for number in range(2):
            rows = slice(start + 10 * number, start + 10 * number + 10)
            path = tmp_path / "a" / "default" / split / f"000{number}.parquet"
            written(path, image=FILES[rows], label=Y[rows])
    np.testing.assert_array_equal(read(open_source(tmp_path / given)), X[:20])


def test_a_missing_shard_is_no_smaller_data_set(tmp_path: Path) -> None:
    shutil.copytree(HUB, tmp_path / "hub")
    (tmp_path / "hub" / "data" / "test-00000-of-00002.parquet").unlink()
    with pytest.raises(InputError, match="1 of 2 files are there; 00000-of-00002 is missing"):
        open_source(f"{tmp_path / 'hub'}:fine_label")


@pytest.mark.parametrize("group", [3, 7, 40])
def test_row_groups_of_every_size_in_any_order(tmp_path: Path, group: int) -> None:
    table = pa.table({"image": STRUCTS, "label": Y})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=group, data_page_size=100)
    dataset = open_source(tmp_path / "a.parquet")
    np.testing.assert_array_equal(read(dataset), X)
    for order in ([0, 39], [5, 6, 30], [39, 3, 3, 20, 0]):
        np.testing.assert_array_equal(read(dataset, order), X[order])
    assert dataset.image_size() == (8, 9)
    assert dataset.name_of(17) == "row 17"


@pytest.mark.parametrize(
    ("columns", "labels", "names"),
    [
        ({"image": FILES, "label": Y.astype(np.int8)}, Y, None),
        ({"img": STRUCTS, "target": np.array(list("dcba"))[Y]}, 3 - Y, ("a", "b", "c", "d")),
        ({"photo": STRUCTS, "class": pd.Categorical(np.array(list("abcd"))[Y])}, Y, tuple("abcd")),
        ({"image": FILES, "label": Y % 2 == 1}, Y % 2, None),
        ({"id": np.arange(40) + 7, "image": FILES, "y": Y}, Y, None),
        ({"image": FILES, "label": Y.astype(np.float64)}, Y, None),
        ({"image": FILES, "label": Y.astype(np.float32), "id": np.arange(40)}, Y, None),
        ({"image": FILES, "label": Y, "y": Y / 7}, Y, None),
        ({"image": FILES, "label": Y.astype(np.uint64)}, Y, None),
        ({"label.old": 3 - Y, "image": FILES, "label": Y}, Y, None),
        ({"image.bytes": FILES[::-1], "image": STRUCTS, "label": Y}, Y, None),
        ({"image": STRUCTS, "image.bytes": FILES[::-1], "label": Y}, Y, None),
    ],
)
def test_what_pandas_writes(tmp_path: Path, columns, labels, names) -> None:
    dataset = open_source(written(tmp_path / "a.parquet", **columns))
    assert dataset.labels.tolist() == labels.tolist()
    assert dataset.class_names == names
    np.testing.assert_array_equal(read(dataset), X)


def test_a_cell_that_is_no_image_is_passed_over(tmp_path: Path) -> None:
    cells = [*STRUCTS[:37], {"bytes": None, "path": "a.png"}, {"bytes": b"text", "path": None}]
    dataset = open_source(written(tmp_path / "a.parquet", image=[*cells, None], label=Y))
    batches = list(dataset.batches(np.arange(40), (8, 9), 64))
    assert sum(len(batch.images) for batch in batches) == 37
    skipped = [one for batch in batches for one in batch.skipped]
    assert [one.name for one in skipped] == ["row 37", "row 38", "row 39"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": ["a.png", "b.png"], "label": [0, 1]}, "column image holds no images, at most"),
        ({"a": [1, 2], "label": [0, 1]}, "no column is called as one of images is; its columns"),
        ({"image": FILES[:2], "a": [0, 1]}, "no column is called as one of labels is"),
        ({"image": FILES[:2], "img": FILES[:2], "label": [0, 1]}, "image and img may each be"),
        ({"image": FILES[:2], "label": [0, 1], "y": [0, 1]}, "label and y may each be"),
        ({"image": FILES[:2], "label": ["a", None]}, "column label has empty cells"),
        ({"image": FILES[:2], "label": ["a", " "]}, "an image has no label"),
        ({"image": FILES[:2], "label": [1, 0.5]}, "column label: row 1 is 0.5; labels are whole"),
        ({"image": FILES[:2], "label": [1, np.inf]}, "column label: row 1 is inf; labels are"),
        ({"image": FILES[:2], "label": np.array([1, 2**64 - 1], np.uint64)}, "row 1 is 1.8.*e.19"),
        ({"image": FILES[:2], "label": [[1], [2]]}, "its columns are image, label; name it"),
    ],
)
def test_refused_columns(tmp_path: Path, columns, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        open_source(written(tmp_path / "a.parquet", **columns))
    assert "\n" not in str(caught.value)


def test_damaged_bytes_end_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": STRUCTS[:6], "label": Y[:6]}), path, row_group_size=3)
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole), 37):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read(open_source(path))
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 3


def test_without_pyarrow_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.parquet", image=FILES, label=Y)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match=r"pyarrow is not installed: pip install 'bdaudit\[parqu"):
        open_source(path)


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


def test_memory_does_not_grow_with_a_row_group(tmp_path: Path) -> None:
    noise = RANDOM.integers(0, 256, (100, 64, 64, 3), np.uint8)
    files = [encoded(image) for image in noise] * 100  # 123 MB, which are decoded to 31
    table = pa.table({"image": files, "label": np.arange(len(files)) % 10})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=len(files), use_dictionary=False)
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(tmp_path / "a.parquet")],
        cwd=Path(data.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    seen, growth = done.stdout.split()
    assert int(seen) == len(files) and float(growth) < 60

"""Tables that list images with their labels: CSV by pandas, Kaggle's and GTSRB's kinds, JSON."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from auditor.data import ImageFolder, check_labels, open_source
from auditor.data.class_order import ClassOrder
from auditor.data.listed import ListedImages
from auditor.errors import InputError

X = np.random.default_rng(0).integers(0, 256, (12, 8, 9, 3), np.uint8)
Y = np.arange(12) % 3
NAMES = np.array(["red", "green", "blue"])[Y]
FILES = [f"{i:02}.png" for i in range(12)]


def images(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in zip(FILES, X, strict=True):
        cv2.imwrite(str(folder / name), image[..., ::-1])
    return folder


def numbered(folder: Path, count: int) -> list[str]:
    names = [f"{number}.png" for number in range(count)]
    for name in names:
        cv2.imwrite(str(folder / name), np.zeros((2, 2, 3), np.uint8))
    return names


def read(dataset) -> np.ndarray:
    return np.concatenate([b.images for b in dataset.batches(np.arange(len(dataset)), (8, 9), 5)])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("path", "label"),
    [
        *[("path", "label"), ("file", "class"), ("Filename", "ClassId"), ("file_name", "target")],
        *[("image", "category"), ("Path", "y"), ("image_id", "Label"), ("id", "label")],
    ],
)
def test_columns_are_found_by_name(tmp_path, delimiter, path, label):
    images(tmp_path)
    table = pd.DataFrame({"note": range(12), label: Y, path: FILES})
    table.to_csv(tmp_path / "a.txt", index=False, sep=delimiter)
    dataset = open_source(tmp_path / "a.txt")
    np.testing.assert_array_equal(read(dataset), X)
    assert dataset.labels.tolist() == Y.tolist() and dataset.class_names is None
    assert dataset.taken == f"images by {path} and labels by {label}, of note, {label}, {path}"
    assert dataset.name_of(3) == "03.png" and dataset.image_size() == (8, 9)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
@pytest.mark.parametrize("first", [True, False])
def test_without_names_of_columns(tmp_path, delimiter, first):
    images(tmp_path)
    pairs = zip(FILES, NAMES, strict=True)
    lines = [delimiter.join(pair if first else pair[::-1]) for pair in pairs]
    (tmp_path / "list").write_text("\r\n".join(lines))
    dataset = open_source(tmp_path / "list")
    np.testing.assert_array_equal(read(dataset), X)
    assert dataset.class_names == ("blue", "green", "red")
    assert dataset.labels.tolist() == (2 - Y).tolist()


def test_the_pixels_and_classes_are_those_of_class_folders(tmp_path):
    for name, label, image in zip(FILES, NAMES, X, strict=True):
        (tmp_path / "folders" / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "folders" / label / name), image)
    folder = ImageFolder(tmp_path / "folders")
    listed = [folder.name_of(i) for i in range(12)]
    table = pd.DataFrame({"path": listed, "label": [name.split("/")[0] for name in listed]})
    table.to_csv(tmp_path / "folders" / "a.csv", index=False)
    dataset = open_source(tmp_path / "folders" / "a.csv")
    np.testing.assert_array_equal(read(dataset), read(folder))
    assert dataset.labels.tolist() == folder.labels.tolist()
    assert dataset.class_names == folder.class_names
    csv = (tmp_path / "folders" / "a.csv").read_bytes()
    lines = [f"{hashlib.sha256(csv).hexdigest()}  a.csv\n"]
    for name in listed[2:4]:
        content = (tmp_path / "folders" / name).read_bytes()
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    assert dataset.digest([2, 3]) == hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("folder", ["images", "Train", "train_labels"])
def test_kaggles_kind_paths_in_a_folder_and_without_suffix(tmp_path, folder):
    images(tmp_path / folder)
    table = pd.DataFrame({"image_id": [name[:-4] for name in FILES], "label": NAMES})
    table.to_csv(tmp_path / "train_labels.csv", index=False)
    dataset = open_source(tmp_path / "train_labels.csv")
    np.testing.assert_array_equal(read(dataset), X)
    assert f"paths start at {folder}; .png added to each" in dataset.taken


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", ["{}Labels", "{}", "{}_labels", "{}labels", "Y_{}"])
def test_labels_go_to_the_split_of_the_tables_name(tmp_path, name, split):
    """Kaggle's CIFAR-10 has `trainLabels.csv` beside `train/1.png` and `test/1.png`."""
    images(tmp_path / "test"), images(tmp_path / "train")
    stem = name.format(split)
    rows = {"id": [file[:-4] for file in FILES], "label": NAMES}
    pd.DataFrame(rows).to_csv(tmp_path / f"{stem}.csv", index=False)
    (tmp_path / split / "05.png").unlink()  # the other has one more
    dataset = open_source(tmp_path / f"{stem}.csv")
    assert [dataset.name_of(i) for i in (0, 11)] == [f"{split}/00.png", f"{split}/11.png"]


@pytest.mark.parametrize("places", [("train", "test"), ("images", "train"), ("", "images")])
@pytest.mark.parametrize("missing", [False, True])
def test_images_that_may_be_in_several_folders_are_not_guessed(tmp_path, places, missing):
    for folder in places:
        images(tmp_path / folder)
    if missing:
        (tmp_path / places[0] / "05.png").unlink()
        (tmp_path / places[1] / "03.png").unlink()
    rows = {"id": [file[:-4] for file in FILES], "label": Y}
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match="00 may be .*00.png or .*00.png, and so may") as caught:
        open_source(tmp_path / "a.csv")
    assert str(Path(places[1]) / "00.png") in str(caught.value) and "\n" not in str(caught.value)
    (tmp_path / "a.csv").rename(tmp_path / places[1] / "a.csv")
    assert open_source(tmp_path / places[1] / "a.csv").name_of(0) == "00.png"


def test_a_suffix_that_may_be_another_is_not_guessed(tmp_path):
    images(tmp_path)
    for name in FILES:
        (tmp_path / name).with_suffix(".jpg").write_bytes((tmp_path / name).read_bytes())
    rows = {"id": [file[:-4] for file in FILES], "label": Y}
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=r"00 may be 00\.jpg or 00\.png, and so may the others"):
        open_source(tmp_path / "a.csv")


def test_all_paths_are_looked_for_and_what_the_table_says_goes_first(tmp_path):
    images(tmp_path), images(tmp_path / "images")
    pd.DataFrame({"path": FILES, "label": Y}).to_csv(tmp_path / "a.csv", index=False)
    assert open_source(tmp_path / "a.csv").name_of(0) == "00.png"
    for folder, count in (("images", 300), ("data", 150)):  # the first 150 are in both
        (tmp_path / "one" / folder).mkdir(parents=True)
        for i in range(count):
            (tmp_path / "one" / folder / f"{i}.png").touch()
    pd.DataFrame({"id": range(300), "label": 0}).to_csv(tmp_path / "one" / "a.csv", index=False)
    assert open_source(tmp_path / "one" / "a.csv").name_of(299) == "images/299.png"


def test_gtsrbs_kind(tmp_path):
    (tmp_path / "Images").mkdir()
    for i, image in enumerate(X):
        cv2.imwrite(str(tmp_path / "Images" / f"{i:05}.ppm"), image[..., ::-1])
    rows = [f"{i:05}.ppm;9;8;1;1;7;6;{label}" for i, label in enumerate(Y)]
    header = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"
    (tmp_path / "GT-final_test.csv").write_text("\r\n".join([header, *rows, ""]))
    dataset = open_source(tmp_path / "GT-final_test.csv")
    np.testing.assert_array_equal(read(dataset), X)
    assert dataset.labels.tolist() == Y.tolist()
    assert dataset.taken.endswith("paths start at Images; regions of interest not cropped")


@pytest.mark.parametrize("labels", [Y.tolist(), NAMES.tolist()])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_hugging_faces_image_folders(tmp_path, kind, labels):
    images(tmp_path / "test" / "files")
    rows = [{"file_name": f"files/{f}", "label": k} for f, k in zip(FILES, labels, strict=True)]
    table = pd.DataFrame(rows)
    path = tmp_path / "test" / f"metadata.{kind}"
    if kind == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_json(path, orient="records", lines=True)
    dataset = open_source(tmp_path / "test")
    assert isinstance(dataset, ListedImages)
    np.testing.assert_array_equal(read(dataset), X)
    named = dataset.class_names or [0, 1, 2]
    assert [named[label] for label in dataset.labels] == labels


def test_class_folders_stay_class_folders_beside_a_table(tmp_path):
    images(tmp_path / "a"), images(tmp_path / "b")
    pd.DataFrame({"file_name": ["a/00.png"], "label": [1]}).to_csv(tmp_path / "metadata.csv")
    assert open_source(tmp_path).class_names == ("a", "b")
    images(tmp_path / "only" / "a")
    pd.DataFrame({"file_name": ["a/00.png"], "text": ["x"]}).to_csv(tmp_path / "only/metadata.csv")
    assert open_source(tmp_path / "only").class_names == ("a",)


def test_an_image_that_is_missing_is_passed_over_and_named(tmp_path):
    images(tmp_path)
    (tmp_path / "05.png").unlink()
    pd.DataFrame({"path": FILES, "label": Y}).to_csv(tmp_path / "a.csv", index=False)
    dataset = open_source(tmp_path / "a.csv")
    assert len(dataset) == 12
    batches = list(dataset.batches(np.arange(12), (8, 9), 20))
    assert [(s.name, s.reason) for b in batches for s in b.skipped] == [
        ("05.png", "file is missing")
    ]


def test_numbers_as_names_leave_two_orders_only_as_texts(tmp_path):
    images(tmp_path)
    pd.DataFrame({"path": FILES, "label": range(12)}).to_csv(tmp_path / "a.csv", index=False)
    assert open_source(tmp_path / "a.csv").labels.tolist() == list(range(12))
    names = [f"class_{i}" for i in range(12)]
    pd.DataFrame({"path": FILES, "label": names}).to_csv(tmp_path / "b.csv", index=False)
    dataset = open_source(tmp_path / "b.csv")
    assert [order.said for order in dataset.orders] == ["by name", "by number"]
    assert dataset.labels.tolist() == np.argsort(np.argsort(names)).tolist()
    numbered = open_source(tmp_path / "b.csv", "number")
    assert numbered.labels.tolist() == list(range(12)) and numbered.class_names == tuple(names)
    named = open_source(tmp_path / "a.csv", ClassOrder(tuple(names), "as listed"))
    assert named.class_names == tuple(names)


def test_columns_are_chosen_behind_colons(tmp_path):
    images(tmp_path)
    table = {"path": FILES, "image": FILES[::-1], "label": Y, "class": NAMES, "kind": Y + 4}
    pd.DataFrame(table).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match="path and image may each be the column of images; give"):
        open_source(tmp_path / "a.csv")
    with pytest.raises(InputError, match="path and image may each be the column of images; give"):
        open_source(f"{tmp_path / 'a.csv'}:label")
    dataset = open_source(f"{tmp_path / 'a.csv'}:image:kind")
    assert dataset.labels.tolist() == (Y + 4).tolist() and dataset.name_of(0) == "11.png"
    with pytest.raises(InputError, match="has no column none; its columns are path, image"):
        open_source(f"{tmp_path / 'a.csv'}:path:none")
    pd.DataFrame({"path": FILES, "label": Y, "class": Y}).to_csv(tmp_path / "b.csv")
    with pytest.raises(InputError, match="label and class may each be the column of labels; give"):
        open_source(tmp_path / "b.csv")


def test_columns_that_the_user_names_may_be_called_anything(tmp_path):
    images(tmp_path)
    table = pd.DataFrame({"scan": FILES, "diagnosis": NAMES, "age": 7})
    table.to_csv(tmp_path / "a.csv", index=False)
    dataset = open_source(f"{tmp_path / 'a.csv'}:scan:diagnosis")
    assert len(dataset) == 12 and dataset.class_names == ("blue", "green", "red")
    with pytest.raises(InputError, match="called as one of images is; its columns are scan, diag"):
        open_source(f"{tmp_path / 'a.csv'}:diagnosis")
    with pytest.raises(InputError, match="has no column x; its columns are scan, diagnosis"):
        open_source(f"{tmp_path / 'a.csv'}:scan:x")


@pytest.mark.parametrize("name", ["classes.txt", "labels.txt"])
def test_a_list_beside_a_table_has_the_order_of_its_classes(tmp_path, name):
    images(tmp_path)
    pd.DataFrame({"path": FILES, "label": NAMES}).to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / name).write_text("red\ngreen\nblue\nnone\n")
    dataset = open_source(tmp_path / "a.csv")
    assert dataset.labels.tolist() == Y.tolist()
    assert dataset.class_names == ("red", "green", "blue", "none")
    assert dataset.class_order == f"as {name} beside them has it"
    assert open_source(tmp_path / "a.csv", "name").class_names == ("blue", "green", "red")


OUT = "which is not in the folder of the table"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\n../secret.png,1\n00.png,0", OUT),
        ("path,label\n00.png,0\n/etc/passwd,1", OUT),
        ("path,label\n00.png,0\n..\\secret.png,1", OUT),
        ("path,label\n00.png,0\n,1", OUT),
        ("path,label\n00.png,0\n01.png", "not a table|line 3 has 1 cells"),
        ("path,label\n" + "00.png,0\n" * 200 + "01.png", "line 202 has 1 cells, the first has 2"),
        ("path,label\n", "lists no images"),
        ("path,label\nno.png,1\nnone.png,2", "none of the 2 images that it lists is there"),
        ("path,label\n00.png,a\n01.png,", "an image has no label"),
        ("path,path,label\n00.png,x,a", "has two columns path"),
        ("a,b\n00.png,1", "has no line that names its columns"),
        ("00.png,1,2\n01.png,2,3", "has no line that names its columns"),
        ("path,other\n00.png,1", "no column is called as one of labels is; its columns are path,"),
        ("label,other\n1,1", "no column is called as one of images is"),
        ('path,label\n"00.png,1\n', "cannot be read|not a table"),
        ("hello", "is not a table"),
        (",".join(["path", "label", *"a" * 60_000]) + "\n", "has 60,002 columns; at most 1,000"),
        (json.dumps({f"key{i}": i for i in range(1001)}), "has 1,001 columns; at most 1,000 are"),
        ('{"path": "00.png", "label": 1}\n{"path": "01.png"}', "line 2 cannot be read"),
        ('{"path": "00.png", "path": 1}', "line 1 cannot be read: the key 'path' stands twice"),
        ('{"path": ' + "[" * 99 + "]" * 99 + "}", "line 1 cannot be read: it is nested"),
    ],
)
def test_refused_tables(tmp_path, text, message):
    images(tmp_path)
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        open_source(tmp_path / "a.csv")
    assert "\n" not in str(caught.value) and str(tmp_path / "a.csv") in str(caught.value)


def test_links_lead_nowhere_else(tmp_path):
    images(tmp_path / "data"), images(tmp_path / "secret")
    (tmp_path / "data" / "00.png").unlink()
    (tmp_path / "data" / "00.png").symlink_to(tmp_path / "secret" / "00.png")
    pd.DataFrame({"path": FILES, "label": Y}).to_csv(tmp_path / "data" / "a.csv")
    with pytest.raises(InputError, match="is a link that leads out of the data folder"):
        open_source(tmp_path / "data" / "a.csv")
    (tmp_path / "data" / "in").symlink_to(tmp_path / "secret")
    paths = [f"in/{name}" for name in FILES]
    pd.DataFrame({"path": paths, "label": Y}).to_csv(tmp_path / "data" / "b.csv")
    with pytest.raises(InputError, match="in: is a link that leads out of the data folder"):
        open_source(tmp_path / "data" / "b.csv")


def test_text_of_other_encodings_is_refused(tmp_path):
    images(tmp_path)
    (tmp_path / "a.csv").write_bytes("path,label\n00.png,grün".encode("cp1252"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        open_source(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes("path,label\n00.png,grün\n01.png,rot".encode("utf-8-sig"))
    assert open_source(tmp_path / "b.csv").class_names == ("grün", "rot")


def test_metadata_lines_are_read_whole(tmp_path):
    images(tmp_path)
    text = "a\u2028b"
    lines = [json.dumps({"file_name": f, "label": text}, ensure_ascii=False) for f in FILES]
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    assert open_source(tmp_path / "metadata.jsonl").class_names == (text,)


def test_a_column_says_which_split_a_row_is_of(tmp_path: Path) -> None:
    """Birds 525 of Kaggle has `data set`; others `split`. The test split is taken, and said."""
    images = numbered(tmp_path, 6)
    rows = [f"{name},{i % 2},{'train' if i < 4 else 'test'}" for i, name in enumerate(images)]
    (tmp_path / "birds.csv").write_text("\n".join(["filepaths,labels,data set", *rows]))
    table = tmp_path / "birds.csv"
    found, chosen = open_source(table), open_source(f"{table}:train")
    assert [found.name_of(i) for i in range(len(found))] == images[4:]
    assert found.labels.tolist() == [0, 1]
    assert found.taken.startswith("test, of test, train; images by filepaths")
    assert [chosen.name_of(i) for i in range(len(chosen))] == images[:4]
    assert chosen.digest([0]) != found.digest([0])
    assert len(open_source(f"{table}:train:filepaths:labels")) == 4
    with pytest.raises(InputError, match="has no part validation; it has: test, train"):
        open_source(f"{table}:validation")


def test_a_column_called_so_without_splits_is_none(tmp_path: Path) -> None:
    images = numbered(tmp_path, 4)
    rows = [f"{name},{i % 2},{i}" for i, name in enumerate(images)]
    (tmp_path / "a.csv").write_text("\n".join(["path,label,set", *rows]))
    assert len(open_source(tmp_path / "a.csv")) == 4


def test_a_folder_around_the_images_says_which_to_give(tmp_path: Path) -> None:
    """A table in it, or class folders one level down; also where its one folder is a split."""
    (tmp_path / "Test").mkdir()
    numbered(tmp_path / "Test", 2)
    (tmp_path / "Test.csv").write_text("Path,ClassId\nTest/0.png,0\nTest/1.png,1\n")
    with pytest.raises(InputError, match=r"give it: \S+/Test\.csv$"):
        open_source(tmp_path)
    (tmp_path / "Test").rename(tmp_path / "pictures")
    with pytest.raises(InputError, match=r"has 1 class but .*give it: \S+/Test\.csv$"):
        check_labels(open_source(tmp_path), 10, "m.keras")

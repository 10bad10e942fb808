"""Which kind a source is of, by its content; and what is refused with what to do about it."""

import io
import os
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.data import SOURCES, ImageFolder, check_labels, open_source, place, reads
from auditor.errors import InputError

IMAGE = np.zeros((4, 4, 3), np.uint8)


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), IMAGE)
    return path


def packed(path: Path, kind: str) -> None:
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("cats/1.png", b"x")
        return
    with tarfile.open(path, f"w:{kind}") as archive:
        archive.addfile(tarfile.TarInfo("cats/1.png"), io.BytesIO())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: packed(p, "zip"), "is a ZIP archive of 1 files, such as cats/1.png; unpack it"),
        (lambda p: packed(p, ""), "is a tar archive; unpack it first"),
        (lambda p: packed(p, "gz"), "is packed with gzip; unpack it first"),
        (lambda p: packed(p, "xz"), "is packed with xz; unpack it first"),
        (lambda p: packed(p, "bz2"), "is packed with bzip2; unpack it first"),
        (lambda p: p.write_bytes(pickle.dumps({"data": 1})), "is a pickle, which is never loaded"),
        (lambda p: np.save(p.open("wb"), IMAGE), "is one NumPy array"),
        (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer"),
        (lambda p: p.write_bytes(picture(p.with_suffix(".png")).read_bytes()), "is one image"),
        (lambda p: p.write_bytes(bytes(99)), "is of no kind that is read"),
    ],
)
def test_what_is_no_source_says_what_to_do(tmp_path, make, message):
    make(tmp_path / "d")
    with pytest.raises(InputError, match=message) as caught:
        open_source(tmp_path / "d")
    assert "\n" not in str(caught.value)


def test_words_behind_colons(tmp_path):
    (tmp_path / "a").mkdir()
    assert place(f"{tmp_path}/a:x:y") == (tmp_path / "a", ("x", "y"))
    (tmp_path / "a:x").mkdir()
    assert place(f"{tmp_path}/a:x") == (tmp_path / "a:x", ())
    assert place("nothing:x") == (Path("nothing:x"), ())
    picture(tmp_path / "a" / "b" / "1.png")
    with pytest.raises(InputError, match="takes at most 0 words behind colons"):
        open_source(f"{tmp_path}/a:test")


def test_only_a_table_opens_the_folder_around_it(tmp_path):
    (tmp_path / "a.csv").write_text("path,label\n")
    np.savez(tmp_path / "a.npz", x=IMAGE)
    assert reads(tmp_path / "a.csv") == reads(f"{tmp_path}/a.csv:label") == tmp_path
    assert reads(tmp_path / "a.npz") == tmp_path / "a.npz"
    assert reads(f"{tmp_path}/a.npz:test") == tmp_path / "a.npz"
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "nul\0"):
        assert reads(tmp_path / name) == tmp_path / name


def test_every_kind_has_its_line():
    for kind in SOURCES.values():
        assert kind.written and kind.summary and "\n" not in kind.summary


@pytest.mark.parametrize(
    "folders",
    [
        *[("train", "test"), ("Train", "Test", "Meta"), ("train",), ("train", "val", "test")],
        *[("training", "validation"), ("test", "valid")],
    ],
)
def test_splits_are_not_measured_as_classes(tmp_path, folders):
    for name in folders:
        picture(tmp_path / name / "cat" / "1.png")
    best = next((name for name in folders if name.lower() == "test"), folders[0])
    message = f"are parts of a data set and not classes; give the one to use: {tmp_path / best}$"
    with pytest.raises(InputError, match=message):
        open_source(tmp_path)
    assert open_source(tmp_path / best).class_names == ("cat",)


@pytest.mark.parametrize("folders", [("test", "rest"), ("valid", "invalid"), ("train", "bus")])
def test_classes_that_are_called_as_a_split_is(tmp_path, folders):
    for name in folders:
        picture(tmp_path / name / "1.png")
    assert open_source(tmp_path).class_names == tuple(sorted(folders))


def test_what_systems_leave_behind_is_no_class(tmp_path):
    left = ("__MACOSX", ".ipynb_checkpoints", "@eaDir", "lost+found", "$RECYCLE.BIN")
    for name in ("cat", "dog", *left):
        picture(tmp_path / name / "1.png")
    picture(tmp_path / "cat" / "@eaDir" / "1.png" / "thumb.jpg")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / name).touch()
        (tmp_path / "cat" / name).touch()
    dataset = ImageFolder(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert [dataset.name_of(i) for i in range(len(dataset))] == ["cat/1.png", "dog/1.png"]
    assert dataset.unused == ()


def test_one_folder_too_high_says_which_to_give(tmp_path):
    for name in ("cat", "dog"):
        picture(tmp_path / "pets" / name / "1.png")
    dataset = open_source(tmp_path)
    message = f"pets is the one folder in it, and holds 2 folders .* give {tmp_path / 'pets'}$"
    with pytest.raises(InputError, match=message):
        check_labels(dataset, 1, "m")
    picture(tmp_path / "pets" / "1.png")
    assert open_source(tmp_path).instead == ""


def test_a_table_beside_images_is_named(tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\n1.png,a\n")
    picture(tmp_path / "1.png")
    message = f"if a table has the labels, give it: {tmp_path / 'labels.csv'}$"
    with pytest.raises(InputError, match=f"has no class folders.*{message}"):
        open_source(tmp_path)
    picture(tmp_path / "images" / "1.png")
    with pytest.raises(InputError, match=f"every image is of class 0 .images.; .*; {message}"):
        check_labels(open_source(tmp_path), 1, "m")


@pytest.mark.parametrize(
    ("fixture", "name"),
    [
        ("hub", "data/test-00000-of-00002.parquet"),
        ("tiny/1.0.0", "tiny-test.tfrecord-00000-of-00001"),
        ("table", "metadata.csv"),
    ],
)
def test_no_file_of_a_folder_is_a_link_that_leads_out(tmp_path, fixture, name):
    made = Path(__file__).parent / "fixtures" / fixture
    if made.is_dir():
        shutil.copytree(made, tmp_path / "d")
    else:
        picture(tmp_path / "d" / "1.png")
        (tmp_path / "d" / name).write_text("file_name,label\n1.png,1\n")
    (tmp_path / "d" / name).rename(tmp_path / "outside")
    (tmp_path / "d" / name).symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match="is a link that leads out of the data folder"):
        open_source(f"{tmp_path / 'd'}")


@pytest.mark.parametrize("name", ["a" * 300, "a" * 300 + ":test", "a/" * 3000, "a:" + "b" * 300])
def test_a_name_that_no_file_can_have_is_one_line(name: str) -> None:
    assert place(name)[1] == ()
    assert reads(name) == Path(name)
    with pytest.raises(InputError, match="cannot be read: File name too long|does not exist"):
        open_source(name)


def test_a_file_lets_its_folder_be_read_only_as_a_table(tmp_path: Path) -> None:
    for name, content in [("a.csv", b"path,label"), ("b.csv", b"PAR1" + b" " * 900), ("c", b"BM ")]:
        (tmp_path / name).write_bytes(content)
    assert reads(tmp_path / "a.csv") == tmp_path
    assert reads(tmp_path / "b.csv") == tmp_path / "b.csv"
    assert reads(tmp_path / "c") == tmp_path / "c"

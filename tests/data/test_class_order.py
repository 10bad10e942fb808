"""In which order class folders are taken for a model's outputs."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.data import open_source
from auditor.data.class_order import ClassOrder, listed, possible
from auditor.errors import InputError

NUMBERS = [str(i) for i in range(12)]
AS_TEXT = ("0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One image in each of twelve folders, as bright as its number."""
    for name in NUMBERS:
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), np.full((4, 4, 3), int(name), np.uint8))
    return tmp_path


def brightness(folder: Path, order: str | ClassOrder) -> list[int]:
    """Return what the image of each class shows, in the order of the labels."""
    data = open_source(folder, order)
    (batch,) = data.batches(np.arange(len(data)), (4, 4), 64)
    return [int(batch.images[batch.labels == i].max()) for i in range(12)]


def test_numbers_without_zeros_in_front_leave_two_orders(folder: Path) -> None:
    data = open_source(folder)
    assert data.class_names == AS_TEXT
    assert [order.names for order in data.orders] == [AS_TEXT, tuple(NUMBERS)]
    assert data.class_order == ""


@pytest.mark.parametrize(
    "names",
    [
        ["00", "01", "10"],
        ["cat", "dog", "10"],
        ["cat2", "dog10"],
        ["0", "1", "2"],
        ["a", "b"],
    ],
)
def test_all_other_names_leave_one(names: list[str]) -> None:
    assert possible(names) == (ClassOrder(tuple(sorted(names))),)


def test_numbers_may_stand_in_a_word() -> None:
    by_name, by_number = possible(["c_10", "c_9", "c_1"])
    assert by_name.names == ("c_1", "c_10", "c_9")
    assert by_number.names == ("c_1", "c_9", "c_10")


def test_the_order_that_is_asked_for_is_kept(folder: Path) -> None:
    assert brightness(folder, "number") == [*range(12)]
    assert brightness(folder, "name") == [int(name) for name in AS_TEXT]
    backwards = ClassOrder(tuple(reversed(NUMBERS)), "as asked")
    assert brightness(folder, backwards) == [*range(11, -1, -1)]
    assert open_source(folder, "number").orders == ()


@pytest.mark.parametrize("file", ["classes.txt", "labels.txt"])
@pytest.mark.parametrize("line", ["{name}", "{i} {name}", "{name}\r"])
def test_a_list_beside_them_is_read(folder: Path, file: str, line: str) -> None:
    """As it is, as Teachable Machine writes it, and with the line ends of Windows."""
    names = [*reversed(NUMBERS), "nobody"]
    lines = [line.format(i=i, name=name) for i, name in enumerate(names)]
    (folder / file).write_text("\n".join(lines), "utf-8-sig")
    data = open_source(folder)
    assert data.class_names == tuple(names)
    assert data.class_order == f"as {file} beside them has it"
    assert np.bincount(data.labels, minlength=13).tolist() == [1] * 12 + [0]


@pytest.mark.parametrize("content", [b"a.png 3\nb.png 4\n", b"\xff\xfe\x00", b"", b"0\n0\n"])
def test_another_file_of_that_name_says_nothing(folder: Path, content: bytes) -> None:
    (folder / "labels.txt").write_bytes(content)
    assert open_source(folder).class_names == AS_TEXT


def test_a_list_that_lacks_a_folder_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"class folder 11, which the list of 11 classes"):
        open_source(folder, ClassOrder(tuple(NUMBERS[:11])))


def test_names_without_a_number_have_no_order_by_it(folder: Path) -> None:
    (folder / "cat").mkdir()
    with pytest.raises(InputError, match=r"class folder cat has no number"):
        open_source(folder, "number")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "names no class"), (b"a\nb\na\n", "names a twice"), (b"\xff", "not UTF-8")],
)
def test_what_is_no_list_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        listed(content, "list.txt")


def test_labels_that_are_numbers_can_be_named_and_not_ordered(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.zeros((2, 4, 4, 3), np.uint8), y=np.arange(2))
    assert open_source(path, ClassOrder(("cat", "dog"))).class_names == ("cat", "dog")
    with pytest.raises(InputError, match="nothing to order by number"):
        open_source(path, "number")
    np.savez(
        path, x=np.zeros((2, 4, 4, 3), np.uint8), y=np.arange(2), class_names=np.array(["b", "a"])
    )
    with pytest.raises(InputError, match="class_names are not those of the list"):
        open_source(path, ClassOrder(("a", "b")))

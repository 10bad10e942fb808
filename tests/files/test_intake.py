"""A model is copied while it is hashed; a folder only as what it is."""

import hashlib
import os
from pathlib import Path

import pytest

from auditor.errors import InputError
from auditor.files import intake
from auditor.files.intake import MOST_FILES, ModelCopy, copy_beside, copy_model


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in the shape of a SavedModel, and a place to copy it to."""
    (tmp_path / "to").mkdir()
    model = tmp_path / "saved"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"graph")
    (model / "variables" / "variables.index").write_bytes(b"index")
    return model


def test_a_file_is_copied_as_it_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "Model.KERAS"
    path.write_bytes(bytes(range(256)) * 9_000)
    (tmp_path / "to").mkdir()
    model_copy = copy_model(path, tmp_path / "to")
    assert model_copy.copy.name == "model.keras"
    assert model_copy.copy.read_bytes() == path.read_bytes()
    assert model_copy.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model_copy.bytes == path.stat().st_size


def test_a_folder_is_copied_with_all_that_is_in_it(folder: Path, tmp_path: Path) -> None:
    model_copy = copy_model(folder, tmp_path / "to")
    copied = {
        str(p.relative_to(model_copy.copy)) for p in model_copy.copy.rglob("*") if p.is_file()
    }
    assert copied == {"saved_model.pb", "variables/variables.index"}
    assert model_copy.bytes == len(b"graph" + b"index")


def test_a_digest_tells_names_and_contents_apart(folder: Path, tmp_path: Path) -> None:
    first = copy_model(folder, tmp_path / "to").sha256
    (folder / "variables" / "variables.index").replace(folder / "variables" / "other.index")
    (tmp_path / "again").mkdir()
    assert copy_model(folder, tmp_path / "again").sha256 != first


def link(folder: Path) -> None:
    (folder / "variables" / "more").symlink_to("/etc/hostname")


def linked_folder(folder: Path) -> None:
    (folder / "assets").symlink_to("/etc")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "variables" / "more")


@pytest.mark.parametrize("make", [link, linked_folder, pipe])
def test_a_folder_with_something_else_in_it_is_refused(make, folder: Path, tmp_path: Path) -> None:
    make(folder)
    with pytest.raises(InputError, match="more|assets"):
        copy_model(folder, tmp_path / "to")


def test_any_other_folder_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    with pytest.raises(InputError, match="no SavedModel"):
        copy_model(tmp_path, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


def test_what_a_worker_left_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "repaired.keras").symlink_to(secret)
    (tmp_path / "to").mkdir()
    with pytest.raises(InputError, match="symbolic link"):
        copy_model(tmp_path / "repaired.keras", tmp_path / "to", follow=False)
    own = copy_model(tmp_path / "repaired.keras", tmp_path / "to")  # the user's own may be
    assert own.bytes == 6


def test_caps(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_BYTES", 7)
    with pytest.raises(InputError, match="are allowed"):
        copy_model(folder, tmp_path / "to")
    monkeypatch.setattr(intake, "MOST_FILES", 2)
    (tmp_path / "again").mkdir()
    with pytest.raises(InputError, match="more than 2 files"):
        copy_model(folder, tmp_path / "again")


def test_files_beside_a_model_come_along_with_a_digest_of_all(tmp_path: Path) -> None:
    (tmp_path / "from/more").mkdir(parents=True)
    (tmp_path / "to").mkdir()
    for name, content in (("m.onnx", b"graph"), ("w", b"weights"), ("more/w", b"others")):
        (tmp_path / "from" / name).write_bytes(content)
    model_copy = copy_model(tmp_path / "from/m.onnx", tmp_path / "to")
    assert copy_beside(model_copy, []) == model_copy
    whole = copy_beside(model_copy, ["w", "more/w", "w"])
    lines = "".join(
        f"{sha256(content)}  {name}\n"
        for name, content in (("more/w", b"others"), ("w", b"weights"))
    )
    listing = f"bdaudit: a file and those beside it\n{sha256(b'graph')}\n{lines}"
    assert whole.sha256 == sha256(listing.encode())
    assert whole.bytes == len(b"graphweightsothers")
    assert (model_copy.copy.parent / "more/w").read_bytes() == b"others"


def test_a_model_in_endlessly_many_files(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"graph")
    (tmp_path / "to").mkdir()
    model_copy = copy_model(tmp_path / "m.onnx", tmp_path / "to")
    with pytest.raises(InputError, match=f"at most {MOST_FILES} are allowed"):
        copy_beside(model_copy, (str(number) for number in range(MOST_FILES + 1)))


def copied(path: Path, to: Path, beside: list[str] | None = None) -> ModelCopy:
    """Return a model that was taken in, with files beside it where there are some."""
    to.mkdir()
    model_copy = copy_model(path, to)
    return copy_beside(model_copy, beside) if beside else model_copy


def test_no_name_reads_as_several_files(folder: Path, tmp_path: Path) -> None:
    """A folder without its weights, whose one name spells the lines of those that are missing."""
    weights = folder / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(b"weights")
    other = tmp_path / "other"
    inside = f"variables/{weights.name}\n{sha256(b'index')}  variables"
    (other / inside).mkdir(parents=True)
    (other / "saved_model.pb").write_bytes(b"graph")
    (other / inside / "variables.index").write_bytes(b"weights")
    one, two = copied(folder, tmp_path / "to1"), copied(other, tmp_path / "to2")
    assert one.sha256 != two.sha256
    assert (bool(one.formerly), two.formerly) == (True, "")


def test_every_name_has_a_digest_of_its_own(tmp_path: Path) -> None:
    names = ("a\nb", "a\\nb", "a\\\nb", "a\rb", "a\\rb", "a\\b", "a b", "a", "ä", "a\u0308")
    digests = set()
    for number, name in enumerate(names):
        model = tmp_path / str(number)
        model.mkdir()
        (model / "saved_model.pb").write_bytes(b"graph")
        (model / name).write_bytes(b"more")
        digests.add(copied(model, tmp_path / f"to{number}").sha256)
    assert len(digests) == len(names)


def test_a_folder_and_a_file_with_others_beside_it_are_told_apart(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "m.onnx").write_bytes(b"graph")
    (model / "saved_model.pb").write_bytes(b"another graph")
    folder = copied(model, tmp_path / "to1")
    file = copied(model / "m.onnx", tmp_path / "to2", ["saved_model.pb"])
    assert folder.sha256 != file.sha256


def test_of_two_files_the_digest_says_which_is_the_model(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    a = copied(tmp_path / "a.onnx", tmp_path / "to1", ["b.onnx"])
    b = copied(tmp_path / "b.onnx", tmp_path / "to2", ["a.onnx"])
    assert a.sha256 != b.sha256
    (tmp_path / "a.onnx").rename(tmp_path / "renamed.onnx")
    renamed = copied(tmp_path / "renamed.onnx", tmp_path / "to3", ["b.onnx", "./b.onnx"])
    assert renamed.sha256 == a.sha256, "its own name is nothing that a loader reads"


def test_a_list_of_files_is_not_taken_for_them(folder: Path, tmp_path: Path) -> None:
    lines = "".join(
        f"{sha256(content)}  {name}\n"
        for name, content in (("saved_model.pb", b"graph"), ("variables/variables.index", b"index"))
    )
    model = copied(folder, tmp_path / "to1")
    for number, text in enumerate((lines, f"bdaudit: a folder of files\n{lines}", f"\\{lines}")):
        path = tmp_path / "model.keras"
        path.write_text(text)
        assert number == 2 or sha256(text.encode()) in (model.formerly, model.sha256)
        with pytest.raises(
            InputError, match=r"model\.keras: is a list of a model's files, no model"
        ):
            copied(path, tmp_path / f"text{number}")

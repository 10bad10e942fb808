"""A model is copied while it is hashed; a folder only as what it is."""

import hashlib
import os
from pathlib import Path

import pytest

from auditor.errors import InputError
from auditor.files import intake
from auditor.files.intake import MOST_FILES, copy_beside, copy_model


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
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("m.onnx", b"graph"), ("more/w", b"others"), ("w", b"weights"))
    )
    assert whole.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert whole.bytes == len(b"graphweightsothers")
    assert (model_copy.copy.parent / "more/w").read_bytes() == b"others"


def test_a_model_in_endlessly_many_files(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"graph")
    (tmp_path / "to").mkdir()
    model_copy = copy_model(tmp_path / "m.onnx", tmp_path / "to")
    with pytest.raises(InputError, match=f"at most {MOST_FILES} are allowed"):
        copy_beside(model_copy, (str(number) for number in range(MOST_FILES + 1)))

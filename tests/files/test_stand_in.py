"""What came in place of a file, wherever a file is read: a model, data, a trigger."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from auditor.data import open_source
from auditor.errors import InputError
from auditor.files.image_file import UnreadableImage, read_image_file
from auditor.files.intake import copy_beside, copy_model
from auditor.files.stand_in import HEAD_BYTES, stand_in
from auditor.triggers import file as trigger_file
from auditor.triggers.picture import Source
from tests.files import stand_ins

PACKED = b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 30


def tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo("m.keras")
        member.size = len(PACKED)
        archive.addfile(member, io.BytesIO(PACKED))
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (stand_ins.LFS_POINTER, "git lfs pull"),
        (stand_ins.XET_POINTER, "git-xet"),
        (stand_ins.WEB_PAGE, "a web page"),
        (b"\xef\xbb\xbf\n  <HTML><head>", "a web page"),
        (stand_ins.ACCESS_DENIED, "answered with (AccessDenied)"),
        (b'{"error":"Repository not found"}', "an error that a server answered with (JSON)"),
        (b"404: Not Found", "an error that a server answered with"),
        (b"Entry not found", ""),
        (gzip.compress(PACKED), "packed with gzip"),
        (lzma.compress(PACKED), "packed with xz"),
        (bz2.compress(PACKED), "packed with bzip2"),
        (tar(), "a tar archive"),
        (stand_ins.APPLE_DOUBLE, "AppleDouble"),
    ],
)
def test_it_is_called_by_its_name(content: bytes, said: str) -> None:
    assert said in stand_in(content[:HEAD_BYTES]) if said else not stand_in(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PACKED,
        zlib.compress(PACKED),
        b"- {id: a, type: patch}",
        b'{"type": "patch"}',
        b"<?xml version='1.0'?><net name='m'>",
        b"version 2",
    ],
)
def test_what_may_be_the_file_itself_is_not_taken_for_something_else(content: bytes) -> None:
    assert stand_in(content[:HEAD_BYTES]) == ""


@pytest.mark.parametrize("content", [stand_ins.LFS_POINTER, stand_ins.WEB_PAGE])
def test_data_and_triggers_say_so(tmp_path: Path, content: bytes) -> None:
    said = stand_in(content)
    for name in ("d.npz", "cat.png", "t.yaml", "t.json", "p.npz", "p.png"):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_source(tmp_path / "d.npz")
    assert str(caught.value) == f"{tmp_path}/d.npz: is {said}"
    with pytest.raises(UnreadableImage) as unreadable:
        read_image_file(tmp_path / "cat.png")
    assert str(unreadable.value) == said
    for name in ("t.yaml", "t.json"):
        with pytest.raises(InputError) as caught:
            trigger_file.read(tmp_path / name)
        assert str(caught.value).endswith(f"{name}: trigger file: is {said}")
    for name in ("p.npz", "p.png"):
        with pytest.raises(InputError) as caught:
            Source.read(tmp_path / name)
        assert str(caught.value).endswith(f"{name}: trigger picture: {said}")


def test_folder_of_pointers_names_the_first(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(stand_ins.LFS_POINTER)
    with pytest.raises(InputError, match=r"cat/1\.png: a Git LFS pointer.*git lfs pull"):
        open_source(tmp_path).image_size()


def test_pointer_beside_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "m.onnx").write_bytes(b"\x08\x08:\0")
    (tmp_path / "in" / "m.onnx.data").write_bytes(stand_ins.LFS_POINTER)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    copied = copy_model(tmp_path / "in" / "m.onnx", scratch)
    with pytest.raises(InputError, match=r"m\.onnx\.data: is a Git LFS pointer"):
        copy_beside(copied, ["m.onnx.data"])
    # Numbers may begin with any bytes, gzip's among them.
    np.frombuffer(gzip.compress(PACKED), np.uint8).tofile(tmp_path / "in" / "n.data")
    assert copy_beside(copied, ["n.data"]).beside

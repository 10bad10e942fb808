"""What kind of file a model is: from its content, with files as people have them."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from auditor.errors import InputError
from auditor.models.inspect import CHECKS
from auditor.models.inspect.recognise import FORMAT_OF_EXTENSION, KINDS, model_format

FIXTURES = Path(__file__).parent / "fixtures"
ONNX = (FIXTURES / "torchscript_convnet.onnx").read_bytes()
FROZEN = b"\n\x12\n\x01x\x12\x0bPlaceholder*\x00\x22\x03\x08\x9b\x0e"


def archive(*members: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for member in members:
            made.writestr(member, b"{}")
    return packed.getvalue()


def array() -> bytes:
    written = io.BytesIO()
    np.save(written, np.zeros(3))
    return written.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        model_format(path)
    message = str(caught.value)
    assert message.startswith(path.name)
    assert "\n" not in message
    return message


def test_every_format_can_be_checked_and_named() -> None:
    assert CHECKS.keys() == KINDS.keys()
    assert set(FORMAT_OF_EXTENSION.values()) <= KINDS.keys()


@pytest.mark.parametrize("name", ["model.onnx", "model", "MODEL.ONNX", "model.bin"])
def test_onnx_is_told_from_its_content(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(ONNX)
    assert model_format(tmp_path / name) == "onnx"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("m.keras", ONNX, "extension says .keras, the content is ONNX"),
        ("m.h5", ONNX, "the content is ONNX"),
        ("m.onnx", archive("config.json"), "extension says .onnx, the content is a .keras archive"),
        ("m.onnx", b"\x89HDF\r\n\x1a\n" + b"\0" * 90, "the content is HDF5"),
        ("m.onnx", b"hello", "unknown kind"),
        ("m.onnx", b"", "the file is empty"),
        ("m.pt", archive("m/data.pkl", "m/version"), "a PyTorch file"),
        ("m.pth", b"\x80\x02\x8a\x0al\xfc", "pickle"),
        ("m.pb", FROZEN, "a frozen TensorFlow graph"),
        ("saved_model.pb", b"\x08\x01\x12\x03\x0a\x01\x22", "give its whole folder"),
        ("m.safetensors", b'\x40\0\0\0\0\0\0\0{"__metadata__":{}}', "safetensors"),
        ("m.gguf", b"GGUF\x03\0\0\0", "GGUF"),
        ("m.npy", array(), "a NumPy array"),
        ("m.npz", archive("a.npy", "b.npy"), "a file of NumPy arrays"),
        ("m.zip", archive("readme.txt"), "a plain zip archive"),
        ("m.keras", archive("model.weights.h5"), "weights without an architecture"),
    ],
)
def test_what_is_no_model_here_is_called_by_its_name(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert reason in refusal(path)


def test_folder_with_a_graph_is_a_saved_model(tmp_path: Path) -> None:
    assert "a folder without saved_model.pb" in refusal(tmp_path)
    (tmp_path / "saved_model.pbtxt").write_text("saved_model_schema_version: 1")
    assert "saved_model.pbtxt" in refusal(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    assert model_format(tmp_path) == "savedmodel"


def test_folder_that_lost_its_graph_says_so(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    assert "copy the whole SavedModel" in refusal(tmp_path)


def test_folder_called_like_a_file_contradicts_itself(tmp_path: Path) -> None:
    folder = tmp_path / "m.keras"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"\x08\x01")
    assert "the content is a SavedModel folder" in refusal(folder)


def test_missing_and_special_files(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.onnx")
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "not an ordinary file" in refusal(tmp_path / "pipe.onnx")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "Too many levels" in refusal(tmp_path / "loop")

"""What kind of file a model is: from its content, with files as people have them."""

import gzip
import io
import os
import pickle
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from auditor.errors import InputError
from auditor.models.inspect import CHECKS
from auditor.models.inspect.recognise import FORMAT_OF_EXTENSION, KINDS, model_format
from tests.files import stand_ins

FIXTURES = Path(__file__).parent / "fixtures"
ONNX = (FIXTURES / "torchscript_convnet.onnx").read_bytes()
CORE_ML = b"\x08\x04\x12\x02\x0a\0\xa2\x1f\x02\x0a\0"  # version 4, description, neural network
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
        ("m.pt", archive("m/data.pkl", "m/version"), "torch.onnx.export(net.eval(), "),
        ("m.pt", archive("m/data.pkl", "m/constants.pkl", "m/code/x.py"), "a TorchScript file"),
        ("m.pt2", archive("m/archive_format", "m/models/model.json"), "torch.export (.pt2)"),
        ("m.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80", "a PyTorch file (old"),
        ("m.pkl", pickle.dumps({"a": 1}), "a Python pickle (which runs code"),
        ("m.pkl", pickle.dumps(Path, protocol=2), "a Python pickle"),
        ("m.pkl", pickle.dumps(Path, protocol=0), "a Python pickle"),
        ("m.joblib", zlib.compress(pickle.dumps({"a": 1})), "as joblib writes"),
        ("m.pb", FROZEN, "a frozen TensorFlow 1 graph"),
        ("saved_model.pb", b"\x08\x01\x12\x03\x0a\x01\x22", "give its whole folder"),
        ("m.safetensors", b'\x40\0\0\0\0\0\0\0{"__metadata__":{}}', "safetensors.torch.load_file"),
        ("m.engine", b"ftrt\0\0\0\0\1", "a TensorRT engine"),
        ("m.xml", b'<?xml version="1.0"?>\n<net name="m" version="11">\n\t<layers>', "OpenVINO"),
        ("m.xml", b'<?xml version="1.0"?>\n<a/>', "is XML"),
        ("m.bin", bytes(range(7, 99)), "numbers without a network"),
        ("model.json", b'{"format": "layers-model", "modelTopology": {}}', "TensorFlow.js"),
        ("model.json", b'{"class_name": "Sequential", "config": {}}', "without weights (to_json)"),
        ("m.onnx", b'{"a": 1}', "JSON, no model"),
        ("checkpoint", b'model_checkpoint_path: "ckpt"\n', "TensorFlow checkpoint"),
        ("ckpt.data-00000-of-00001", bytes(range(7, 99)), "TensorFlow checkpoint"),
        ("m.mlmodel", CORE_ML, "a Core ML model"),
        ("m.onnx", bytes(500), "nothing but zeros"),
        ("m.keras", stand_ins.LFS_POINTER, "is a Git LFS pointer"),
        ("m.onnx", stand_ins.WEB_PAGE, "is a web page (HTML)"),
        ("m.h5", stand_ins.ACCESS_DENIED, "answered with (AccessDenied)"),
        ("._m.keras", stand_ins.APPLE_DOUBLE, "AppleDouble"),
        ("m.keras.gz", gzip.compress(ONNX), "packed with gzip; unpack it first"),
        ("m.zip", archive("a/m.keras", "__MACOSX/a/._m.keras"), "that holds a/m.keras; unpack it"),
        ("m.zip", archive("m/saved_model.pb"), "holds m/saved_model.pb"),
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


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("state_dict.pt", "a PyTorch file (a zip with a pickle, which runs code); export it"),
        ("module.pt", "a PyTorch file (a zip with a pickle"),
        ("old.pth", "a PyTorch file (old, of pickles"),
        ("script.pt", "a TorchScript file"),
        ("state_dict.safetensors", "a safetensors file (weights without a network); export it"),
    ],
)
def test_what_pytorch_writes_is_told_from_its_content(tmp_path: Path, name: str, what: str) -> None:
    assert what in refusal(FIXTURES / "pytorch" / name)
    (tmp_path / "m.onnx").write_bytes((FIXTURES / "pytorch" / name).read_bytes())
    said = refusal(tmp_path / "m.onnx")
    assert what in said
    assert "examples/export_from_pytorch.py" in said
    if "export it" in what:
        code = said.partition("where you trust it: ")[2].partition("; or with")[0]
        compile(code, "advice", "exec")
        assert "torch.onnx.export(net.eval(), torch.zeros(2, 3, 224, 224)" in code


def test_folder_with_a_graph_is_a_saved_model(tmp_path: Path) -> None:
    assert "a folder without saved_model.pb" in refusal(tmp_path)
    (tmp_path / "saved_model.pbtxt").write_text("saved_model_schema_version: 1")
    assert "saved_model.pbtxt" in refusal(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    assert model_format(tmp_path) == "savedmodel"


def test_folder_that_lost_its_graph_says_so(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    assert "copy the whole SavedModel" in refusal(tmp_path)


@pytest.mark.parametrize("part", ["saved_model.pb", "variables/variables.data-00000-of-00001"])
def test_saved_model_of_which_a_part_is_a_pointer_says_so(tmp_path: Path, part: str) -> None:
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    (tmp_path / part).write_bytes(stand_ins.LFS_POINTER)
    assert f"{Path(part).name} is a Git LFS pointer" in refusal(tmp_path)


def test_index_of_a_checkpoint_is_told_from_its_end(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    tf.train.Checkpoint(w=tf.Variable([1.0, 2.0])).write(str(tmp_path / "ckpt"))
    assert "TensorFlow checkpoint (weights without" in refusal(tmp_path / "ckpt.index")
    (tmp_path / "ckpt.index").rename(tmp_path / "weights.h5")
    assert "TensorFlow checkpoint (weights without" in refusal(tmp_path / "weights.h5")


def test_frozen_graph_and_meta_of_tensorflow_1(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (None, 8, 8, 3), "image")
        tf.identity(tf.reduce_mean(image, [1, 2]) + 1.0, "scores")
        tf.compat.v1.train.export_meta_graph(str(tmp_path / "model.meta"))
    (tmp_path / "frozen.pb").write_bytes(graph.as_graph_def().SerializeToString())
    assert "a frozen TensorFlow 1 graph" in refusal(tmp_path / "frozen.pb")
    assert "a TensorFlow 1 checkpoint's .meta" in refusal(tmp_path / "model.meta")


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

"""Models of other programs, told by their content: what they are, and the way to one that is read.

Nothing is opened beyond its first bytes, its last, and the names in a zip; nothing is unpickled.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from auditor.files.stand_in import HEAD_BYTES, stand_in
from auditor.text import printable

_EXPORT = (
    "export it to ONNX where you trust it: net = YourNetwork(); "
    "net.load_state_dict({load}); "
    'torch.onnx.export(net.eval(), torch.zeros(2, 3, 224, 224), "model.onnx", '
    'input_names=["images"], dynamic_shapes=({{0: "batch"}},), dynamo=True, external_data=False)'
    "; or with examples/export_from_pytorch.py"
)
_FROM_CHECKPOINT = _EXPORT.format(load='torch.load("model.pt", weights_only=True)')
_FROM_SAFETENSORS = _EXPORT.format(load='safetensors.torch.load_file("model.safetensors")')
_FROM_SCRIPT = (
    "export the network that it was made of to ONNX where you trust it, with torch.onnx.export, or "
    "with examples/export_from_pytorch.py"
)
_ONNX = "convert the model that it was made of to ONNX"
_TENSORFLOW = (
    "build the network, load these weights with its load_weights, and save the whole with "
    "model.save('model.keras')"
)

_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before PyTorch 1.6
_TEXT_PICKLE = re.compile(rb"\(?c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n")  # protocols 0 and 1
_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
_LEVELDB_ENDS = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # how TensorFlow's index of weights ends
_SHARD = re.compile(r"\.data-\d{5}-of-\d{5}\Z")
_MODEL_IN_ZIP = re.compile(r"\.(keras|h5|hdf5|onnx|tflite|pt|pth)\Z|(\A|/)saved_model\.pb\Z", re.I)

_STARTS: tuple[tuple[int, bytes, str], ...] = (
    (0, _LEGACY_TORCH, f"a PyTorch file (old, of pickles, which run code); {_FROM_CHECKPOINT}"),
    (0, b"\x93NUMPY", "a NumPy array; images and labels go to --data, as an .npz of x and y"),
    (0, b"GGUF", f"a GGUF file (weights of a language model, mostly); {_ONNX}"),
    (0, b"ptrt", f"a TensorRT engine (compiled for one GPU); {_ONNX}"),
    (0, b"ftrt", f"a TensorRT engine (compiled for one GPU); {_ONNX}"),
    (0, b"7767517\n", f"an ncnn model's text; {_ONNX}"),
    (0, b"MATLAB 5.0 MAT-file", "a MATLAB file; export the network with exportONNXNetwork"),
    (0, b"\x12\x01\0\0\0\0\0\0", f"an MXNet file of numbers; {_ONNX}"),
    (0, b"\x89PNG", "a PNG image; the model's file comes first, images go to --data"),
    (0, b"\xff\xd8\xff", "a JPEG image; the model's file comes first, images go to --data"),
    (0, b"%PDF", "a PDF document; give the model's file"),
)
"""(Where, bytes, what it is and what to do)."""

_PICKLE = (
    "a Python pickle (which runs code when opened), as pickle, joblib and PyTorch write it; "
    "of Keras: save the model with model.save('model.keras'); of PyTorch: " + _FROM_CHECKPOINT
)
_JOBLIB = (
    "compressed with zlib, as joblib writes Python pickles (which run code when opened); save the "
    "model itself, with model.save('model.keras') or as ONNX"
)


def foreign(path: Path, name: str) -> str:
    """Say what a file is that no format here begins like, and what to do; empty where unknown.

    Args:
        path: The file.
        name: What the user calls it; helps only where content says nothing.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(max(0, path.stat().st_size - len(_LEVELDB_ENDS)))
        end = file.read(len(_LEVELDB_ENDS))
    if said := stand_in(head):
        return said
    for start, magic, what in _STARTS:
        if head[start:].startswith(magic):
            return what
    if (head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5") or _TEXT_PICKLE.match(head):
        return _PICKLE
    if _is_safetensors(head):
        return f"a safetensors file (weights without a network); {_FROM_SAFETENSORS}"
    if end == _LEVELDB_ENDS:
        return f"the index of a TensorFlow checkpoint (weights without a network); {_TENSORFLOW}"
    if head[4:].startswith(b'{"description": "Ultralytics'):
        return f"a TensorRT engine (compiled for one GPU); {_ONNX}"
    if head[:2] in _ZLIB:
        return _JOBLIB
    return _of_text(head) or _of_name(name, head)


def foreign_zip(members: Collection[str], names: Callable[[str], bool]) -> str:
    """Say what a zip is that is no .keras archive, and what to do.

    Args:
        members: The names of its members.
        names: Whether some member's name ends like this.
    """
    if names("data.pkl") and names("constants.pkl"):
        return f"a TorchScript file (a zip with code and pickles); {_FROM_SCRIPT}"
    if names("data.pkl"):
        return f"a PyTorch file (a zip with a pickle, which runs code); {_FROM_CHECKPOINT}"
    if names("archive_format"):
        return f"a program of torch.export (.pt2); {_FROM_SCRIPT}"
    if names(".weights.h5"):
        return "an archive of weights without an architecture; save the whole model: model.save"
    if members and all(member.endswith(".npy") for member in members):
        return "a file of NumPy arrays (.npz); images and labels go to --data"
    if names("coefficients.bin"):
        return f"a Deeplearning4j model; {_ONNX}"
    inside = [m for m in members if _MODEL_IN_ZIP.search(m) and not m.startswith("__MACOSX")]
    if inside:
        return f"a zip archive that holds {printable(inside[0], 100)}; unpack it first"
    return "a plain zip archive; unpack it, and give the model's file"


def foreign_protobuf(fields: Mapping[int, str]) -> str:
    """Say what a protobuf message is by the kinds of its fields; empty where unknown."""
    if fields.get(1) == "number" and fields.get(2) == "bytes" and max(fields) >= 200:
        return f"a Core ML model; {_ONNX}"
    if fields.get(1) == "bytes" and fields.get(2) == "bytes" and fields.keys() <= set(range(1, 9)):
        return f"a TensorFlow 1 checkpoint's .meta, or alike; {_TENSORFLOW}"
    if fields.get(1) == "bytes" and (fields.get(100) == "bytes" or fields.keys() == {1, 2}):
        return f"a Caffe model; {_ONNX}"
    return ""


def _is_safetensors(head: bytes) -> bool:
    """Whether a length and a JSON object of that length begin it."""
    length = int.from_bytes(head[:8], "little")
    return 2 <= length <= 100_000_000 and head[8:].lstrip().startswith((b'{"', b"{}"))


def _of_text(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"<?xml", b"<net ")):
        if b"<net " in text and b"<layers" in text:
            return f"the .xml of an OpenVINO model; {_ONNX}"
        return "XML; give the model's file"
    if text.startswith(b"{"):
        if b'"modelTopology"' in text or b'"layers-model"' in text or b'"graph-model"' in text:
            return "the model.json of TensorFlow.js; save the model that it was made of instead"
        if b'"class_name"' in text:
            return (
                "a Keras architecture without weights (to_json); load the weights into it, and "
                "save the whole with model.save('model.keras')"
            )
        if _is_json_beginning(text):
            return "JSON, no model; give the model's file"
    if text.startswith(b"model_checkpoint_path:"):
        return f"the list of a TensorFlow checkpoint (weights without a network); {_TENSORFLOW}"
    return ""


def _is_json_beginning(text: bytes) -> bool:
    try:
        json.JSONDecoder().raw_decode(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return bool(re.match(rb'\{\s*"[^"\n]*"\s*:', text))
    return True


def _of_name(name: str, head: bytes) -> str:
    """Say what a file without a mark of its own seems to be; only its name tells."""
    if _SHARD.search(name):
        return f"by its name, a TensorFlow checkpoint (weights without a network); {_TENSORFLOW}"
    if name.lower().endswith(".bin"):
        return (
            "numbers without a network, as OpenVINO and PyTorch keep them beside other files; "
            "convert the whole model to ONNX"
        )
    if not head.strip(b"\0"):
        return "nothing but zeros where it begins: a copy or download that did not end; copy again"
    return ""

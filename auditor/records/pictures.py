"""Pictures and heatmaps inside JSON: a PNG, or little-endian float32, in base64."""

import base64
import struct
from typing import Any, Final

import numpy as np

from auditor.errors import InputError
from auditor.files.codec import Unpacker

_MOST_BYTES: Final = 2**29
"""Of all pictures and heatmaps in one file: a few kilobytes of PNG can unfold to gigabytes."""

_KEYS: Final = ({"png"}, {"png", "shape"}, {"float32", "shape"})

_PNG: Final = b"\x89PNG\r\n\x1a\n"


def pack(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Pictures become a PNG, one below the other, heatmaps little-endian float32; both in base64.

    A single RGB picture says its own shape; anything else has it beside it.
    """
    if array.dtype != np.uint8:
        return {"float32": _base64(array.astype("<f4").tobytes()), "shape": list(array.shape)}
    if array.ndim == 3:
        return {"png": _base64(_png(array))}
    tall = array if array.ndim == 2 else array.reshape(-1, *array.shape[2:])
    return {"png": _base64(_png(tall)), "shape": list(array.shape)}


def _png(picture: np.ndarray[Any, Any]) -> bytes:
    import cv2

    if not picture.size:
        return b""
    channels_reversed = picture if picture.ndim == 2 else picture[..., ::-1]
    return bytes(cv2.imencode(".png", channels_reversed)[1].tobytes())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def unpacking() -> Unpacker:
    """Return what unpacks the arrays of one file, however many audits it holds.

    What it returns takes what `pack` made, and raises InputError where that is none, or where all
    together come to more than 512 MiB.
    """
    left = _MOST_BYTES

    def unpack(packed: Any) -> np.ndarray[Any, Any]:
        nonlocal left
        array = _unpacked(packed, left)
        left -= array.nbytes
        return array

    return unpack


def _unpacked(packed: Any, most: int) -> np.ndarray[Any, Any]:
    if not isinstance(packed, dict) or packed.keys() not in _KEYS:
        raise InputError("a picture or heatmap that cannot be read")
    shape = packed.get("shape", [])
    if not isinstance(shape, list) or any(type(n) is not int or n < 0 for n in shape):
        raise InputError("a picture or heatmap whose shape is no list of sizes")
    try:
        if "png" in packed:
            png = base64.b64decode(packed["png"], validate=True)
            return _pictures(png, packed.get("shape"), most)
        values = np.frombuffer(base64.b64decode(packed["float32"], validate=True), "<f4")
        return values.reshape(packed["shape"]).astype(np.float32)
    except InputError:
        raise
    except Exception as error:  # OpenCV raises its own kinds
        raise InputError("a picture or heatmap that cannot be read") from error


def _pictures(png: bytes, shape: list[int] | None, most: int) -> np.ndarray[Any, Any]:
    import cv2

    if not png and shape:
        return np.zeros(0, np.uint8).reshape(shape)
    width, height = struct.unpack(">II", png[16:24])
    gray = shape is not None and len(shape) == 2
    if not png.startswith(_PNG):
        raise ValueError("no PNG")
    if width * height * (1 if gray else 3) > most:
        raise InputError(f"its pictures come to more than {_MOST_BYTES >> 20} MiB")
    mode = cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), mode)
    if picture is None:
        raise ValueError("no PNG")
    found = np.asarray(picture if gray else picture[..., ::-1])
    return found if shape is None else found.reshape(shape)

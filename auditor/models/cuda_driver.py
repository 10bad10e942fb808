"""What NVIDIA's driver itself says of the GPUs, whatever the Keras backend makes of it."""

import ctypes
import os

from auditor.text import printable

LIBRARY = "libcuda.so.1"
_NO_DEVICE = 100


def problem() -> str:
    """Return why the driver offers this process no GPU, in a phrase; empty where it offers one.

    Calls `cuInit` and `cuDeviceGetCount` of the driver's own library (CUDA driver API).
    """
    try:
        cuda = ctypes.CDLL(LIBRARY)
    except OSError as error:
        why = str(error).removeprefix(f"{LIBRARY}: ")
        return f"the driver's library {LIBRARY} cannot be loaded: {printable(why, 200)}"
    count = ctypes.c_int(0)
    code = cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and (code == _NO_DEVICE or not (code or count.value)):
        return f"CUDA_VISIBLE_DEVICES={printable(visible, 80)} names no GPU that there is"
    if code:
        return f"the driver could not be started: {_name(cuda, code)} ({code})"
    return "" if count.value else "the driver knows of none"


def _name(cuda: ctypes.CDLL, code: int) -> str:
    name = ctypes.c_char_p()
    cuda.cuGetErrorName(code, ctypes.byref(name))
    return (name.value or b"an error without a name").decode("ascii", "replace")

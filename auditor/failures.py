"""What an exception of somebody else's library says, for a person."""

_OUT_OF_MEMORY = (
    "resourceexhausted",
    "out of memory",
    "oom when allocating",
    "can't allocate memory",
    "allocfailed",
)
"""What TensorFlow, JAX, PyTorch, and CUDA's libraries say, lower case, without underscores."""

_PIP_NAMES = {
    "cryptography": "'securesystemslib[crypto]'",
    "cv2": "opencv-python",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
    **{
        name: name
        for name in (
            *("h5py", "jax", "jinja2", "jsonschema", "keras", "numpy", "onnx", "onnxruntime"),
            *("rich", "securesystemslib", "tensorboard", "tensorflow", "tf2onnx", "torch"),
            "weasyprint",
        )
    },
}
"""Module → what to ask pip for. No other name is offered: who can tell whose package it is?"""

_SAYS_NOTHING = ("Graph execution error", "Detected at node", "File ", "<stack traces unavailable>")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was too little memory, the device's or the machine's."""
    said = f"{type(error).__name__} {error}".lower().replace("_", "")
    return isinstance(error, MemoryError) or any(sign in said for sign in _OUT_OF_MEMORY)


def not_installed(error: ImportError) -> str:
    """Say that a package is missing, or does not work, and what to do, in one line."""
    name = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError):  # a system library, most likely
        return f"{error}; run 'bdaudit doctor'"
    if name in _PIP_NAMES:
        return f"{name} is not installed: pip install {_PIP_NAMES[name]}"
    return f"{error}, which an installed package needs; 'pip check' says which"


def reason(error: BaseException) -> str:
    """Return the first line that says something; TensorFlow begins with some that do not."""
    if isinstance(error, ModuleNotFoundError):
        return not_installed(error)
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(_SAYS_NOTHING)]
    return telling[0] if telling else type(error).__name__

"""Every error that a user can meet, each with the exit code it ends in.

A message is one line for a person: what was received, where, what is allowed, what to do. Below
them, what an exception of somebody else's library says, for a person.
"""


class AuditorError(Exception):
    """Root of all errors raised on purpose; exit code 3 unless a subclass says otherwise."""

    exit_code = 3


class UsageError(AuditorError):
    """The command line, the configuration or a request in them is wrong."""

    exit_code = 2


class InputError(AuditorError):
    """An input was refused or could not be read."""


class WorkError(AuditorError):
    """The work itself failed: the worker died, ran out of memory or sent nonsense."""


class VerificationError(AuditorError):
    """A signature, or what was signed, does not hold."""

    exit_code = 5


class Interrupted(AuditorError):
    """The user, or the system, asked to stop; what was done is kept."""

    exit_code = 130


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
    "pyarrow": "'bdaudit[parquet]'",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
    **{
        name: name
        for name in (
            *("h5py", "jax", "jinja2", "keras", "numpy", "onnx", "onnxruntime"),
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

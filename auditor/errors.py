"""Every error that a user can meet, each with the exit code it ends in.

A message is one line for a person: what was received, where, what is allowed, what to do. Below
them, what an exception of somebody else's library says, for a person.
"""

import re


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


class Untrusted(WorkError):
    """What a worker sent contradicts itself: going on with what it left would be no better."""


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

_CALLING = "Exception encountered when calling "
_WRAPPED = "Exception encountered: "
_REPEATED = re.compile(
    r"(?:^|\s)(?:Arguments received by|Full object config:|config=\{).*", re.DOTALL
)
"""What Keras writes after its reason: all it was given, whole architectures among it."""

_DECORATION = re.compile(r"\x1b\[[0-9;]*m|\{\{[^{}]*\}\} ?|\[Op:\w+\]( name:)?")
_SENTENCE = re.compile(r"(?<=[.!?]) +")
_FOR_ITS_AUTHOR = (
    *("custom_object", "register_keras_serializable", "serializable()", "decorat", "safe_mode"),
    *("unsafe_deserialization", "save_and_serialize", "get_config", "from_config", "build()"),
)
"""Signs of advice that only whoever wrote a model's code can follow."""

_INSTEAD = "export the model to ONNX, or as a SavedModel with model.export(...)"


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
    """Return the first line that says something, with the innermost layer that Keras names.

    TensorFlow begins with lines that say nothing, and Keras with the layer, a line for each model
    around it. What Keras advises the author of a model's code is left out: the reader has a file.
    """
    if isinstance(error, ModuleNotFoundError):
        return not_installed(error)
    text = _DECORATION.sub("", str(error).rpartition(_WRAPPED)[2])
    lines = [line.strip() for line in _REPEATED.sub("", text).splitlines()]
    called = [line.removeprefix(_CALLING) for line in lines if line.startswith(_CALLING)]
    telling = [line for line in lines if line and not line.startswith((*_SAYS_NOTHING, _CALLING))]
    if not telling:
        return called[-1] if called else type(error).__name__
    layer = f"{called[-1].partition('.call()')[0]}: " if called else ""
    return layer + _for_the_reader(telling[0])


def _for_the_reader(line: str) -> str:
    """Return a line with what its reader can do in place of what only the author could."""
    sentences = _SENTENCE.split(line)
    kept = [s for s in sentences if not any(sign in s for sign in _FOR_ITS_AUTHOR)]
    said = " ".join(kept)
    return said if len(kept) == len(sentences) else f"{said.rstrip('.')}; {_INSTEAD}".lstrip("; ")

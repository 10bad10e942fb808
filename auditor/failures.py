"""What an exception of somebody else's library says, for a person."""

_OUT_OF_MEMORY = (
    "resourceexhausted",
    "out of memory",
    "oom when allocating",
    "can't allocate memory",
    "allocfailed",
)
"""What TensorFlow, JAX, PyTorch, and CUDA's libraries say, lower case, without underscores."""

_SAYS_NOTHING = ("Graph execution error", "Detected at node", "File ", "<stack traces unavailable>")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was too little memory, the device's or the machine's."""
    said = f"{type(error).__name__} {error}".lower().replace("_", "")
    return isinstance(error, MemoryError) or any(sign in said for sign in _OUT_OF_MEMORY)


def reason(error: BaseException) -> str:
    """Return the first line that says something; TensorFlow begins with some that do not."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(_SAYS_NOTHING)]
    return telling[0] if telling else type(error).__name__

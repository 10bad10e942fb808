"""How large an architecture says it is."""

import math
from typing import Any

_MAX_SIZE = 1_000_000
_MAX_PRODUCT = 2**28
# Numbers that are no size: a seed, and the address that a shared object had when it was saved.
_NO_SIZES = frozenset({"seed", "shared_object_id"})
# Each of these is a dimension of some weight of its layer, so their product is a lower bound.
_DIMENSIONS = (
    "units",
    "filters",
    "input_dim",
    "output_dim",
    "num_heads",
    "key_dim",
    "num_query_heads",
    "depth_multiplier",
)


def too_large(key: str, value: Any) -> str:
    """Say what is too large about a number or a list of them; nothing if nothing is.

    Args:
        key: What it stands under; the items of a list stand under the list's key.
        value: Anything from an architecture.
    """
    if isinstance(value, list) and key.endswith(("shape", "size")):
        product = math.prod(min(_size(item), _MAX_PRODUCT) for item in value[:32])
        return f"{product:.6g} is more than {_MAX_PRODUCT}" if product > _MAX_PRODUCT else ""
    # A fraction may be of any size (a scale, a bound), unless it is read as a dimension.
    counts = type(value) is int or (type(value) is float and key in (*_DIMENSIONS, "kernel_size"))
    if counts and key not in _NO_SIZES and abs(value) > _MAX_SIZE:
        shown = value if abs(value) < 10**30 else "a number of more than 30 digits"
        return f"{shown} is more than {_MAX_SIZE}"
    return ""


def least_parameters(layer: dict[str, Any]) -> int:
    """Return how many parameters a layer needs at the very least, whatever its input is.

    Args:
        layer: A serialised layer whose config is a JSON object.
    """
    config = layer["config"]
    kernel = config.get("kernel_size")
    kernel = math.prod(map(_size, kernel[:32])) if isinstance(kernel, list) else _size(kernel)
    if "Separable" in str(layer["class_name"]):
        return _size(config.get("depth_multiplier")) * (kernel + _size(config.get("filters")))
    if kernel > 1 or any(key in config for key in _DIMENSIONS):
        return kernel * math.prod(_size(config.get(key)) for key in _DIMENSIONS)
    return 0


def _size(value: Any) -> int:
    """A dimension, never below one and never so large that arithmetic takes long."""
    if type(value) not in (int, float) or not value > 1:
        return 1
    return int(min(value, 10**18))

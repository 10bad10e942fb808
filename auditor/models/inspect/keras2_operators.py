"""Keras 2's operators (`x / 127.5 - 1`, saved as TFOpLambda) as layers that compute the same."""

from collections.abc import Callable
from typing import Any

_ADD = frozenset({"math.add", "__operators__.add"})
_SUBTRACT = frozenset({"math.subtract", "__operators__.sub"})
_MULTIPLY = frozenset({"math.multiply", "__operators__.mul"})
_DIVIDE = frozenset({"math.truediv", "math.divide", "__operators__.truediv"})

# (functions, constant on the left) -> the scale and offset of the Rescaling layer.
_RESCALINGS: list[tuple[frozenset[str], bool, Callable[[float], tuple[float, float]]]] = [
    (_ADD, False, lambda constant: (1.0, constant)),
    (_ADD, True, lambda constant: (1.0, constant)),
    (_SUBTRACT, False, lambda constant: (1.0, -constant)),
    (_SUBTRACT, True, lambda constant: (-1.0, constant)),
    (_MULTIPLY, False, lambda constant: (constant, 0.0)),
    (_MULTIPLY, True, lambda constant: (constant, 0.0)),
    (_DIVIDE, False, lambda constant: (1.0 / constant, 0.0)),
]
_MERGES = [(_ADD, "Add"), (_SUBTRACT, "Subtract"), (_MULTIPLY, "Multiply")]


def translate_operator(found: dict[str, Any]) -> dict[str, Any] | None:
    """Turn a TFOpLambda of one number into Rescaling, one of two tensors into a merging layer.

    Args:
        found: the serialised layer, unchecked.

    Returns:
        The layer that takes its place, or None where none is known to compute the same.
    """
    config, nodes = found["config"], found.get("inbound_nodes")
    function = config.get("function")
    if not isinstance(function, str) or not isinstance(nodes, list) or len(nodes) != 1:
        return None
    kept = {key: config[key] for key in ("name", "trainable", "dtype") if key in config}
    match nodes[0]:
        case ["_CONSTANT_VALUE", -1, int() | float() as constant, {"y": [_, _, _] as tensor}]:
            return _rescaling(found, kept, function, tensor, constant, left=True)
        case [str(), int(), int(), {"y": int() | float() as constant}] as tensor:
            return _rescaling(found, kept, function, tensor[:3], constant, left=False)
        case [str(), int(), int(), {"y": [str(), int(), int()] as other}] as tensor:
            for functions, layer in _MERGES:
                if function in functions:
                    calls = [[[*tensor[:3], {}], [*other, {}]]]
                    return {**found, "class_name": layer, "config": kept, "inbound_nodes": calls}
    return None


def _rescaling(
    found: dict[str, Any],
    kept: dict[str, Any],
    function: str,
    tensor: list[Any],
    constant: float,
    left: bool,
) -> dict[str, Any] | None:
    if not 1e-30 < abs(constant) < 1e30:
        return None
    for functions, is_left, settings in _RESCALINGS:
        if function in functions and is_left == left:
            scale, offset = settings(float(constant))
            config = {**kept, "scale": scale, "offset": offset}
            calls = [[[*tensor, {}]]]
            return {**found, "class_name": "Rescaling", "config": config, "inbound_nodes": calls}
    return None

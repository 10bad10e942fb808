"""How many layers a Keras model calls when it is run once, however few it is written with.

A model is a layer too: one that another calls thirty times, which is called thirty times itself,
nine models deep, is a few kilobytes in a file and 30⁹ calls.
"""

from typing import Any

from auditor.models.inspect.keras_names import LAYERS, MODELS

_CALLED = LAYERS | MODELS


def calls(value: Any) -> int:
    """Count the calls of layers that one run of an architecture comes to.

    Args:
        value: A layer, a model or any part of their configuration, whose depth is bounded.
    """
    if isinstance(value, list):
        return sum(calls(item) for item in value if isinstance(item, dict | list))
    if not isinstance(value, dict):
        return 0
    inside = sum(calls(item) for key, item in value.items() if key != "inbound_nodes")
    name = value.get("class_name")
    if not isinstance(name, str) or name not in _CALLED:
        return inside
    nodes = value.get("inbound_nodes")
    return (len(nodes) if isinstance(nodes, list) and nodes else 1) * (1 + inside)

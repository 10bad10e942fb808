"""What the outputs of a Keras model are called: by what `predict` gives, not by the layers."""

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
"""Keys and places that lead to an output in what `predict` gives; empty where it gives but one."""


def output_name(path: Path, layer: str) -> str:
    """Return what an output is called.

    In a dict that is its key: another layer may be called like the key. In a list it is its
    layer, as Keras' `output_names` has it. Further inside it is the whole way, with dots.
    """
    if not path or (len(path) == 1 and isinstance(path[0], int)):
        return layer
    return ".".join(map(str, path))


def declared_outputs(config: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (name, layer) of each output of an architecture that was checked, as Keras has them.

    Args:
        config: Of a Functional or a Sequential, as JSON has it.
    """
    return [(output_name(path, layer), layer) for path, layer in _outputs(config)]


def _outputs(config: dict[str, Any]) -> list[tuple[Path, str]]:
    inner = config.get("config")
    if not isinstance(inner, dict):
        return []
    said = inner.get("output_layers")
    if isinstance(said, list) and len(said) == 1 and not _is_leaf(said):
        said = said[0]  # as Keras unpacks it
    return list(_leaves(said, ())) or _of_last(inner.get("layers"))


def _of_last(layers: Any) -> list[tuple[Path, str]]:
    """Return those of a Sequential: its last layer's, which may be a model with several."""
    last = layers[-1] if isinstance(layers, list) and layers else {}
    own = last.get("config") if isinstance(last, dict) else None
    if not isinstance(own, dict):
        return []
    name = str(own.get("name", ""))[:500]
    inside = _outputs(last) if isinstance(own.get("layers"), list) else []
    return [(path, name) for path, _ in inside] or [((), name)]


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if _is_leaf(value):
        yield path, value[0]
    elif isinstance(value, dict):
        for key in sorted(value, key=str):  # the order in which Keras has them
            yield from _leaves(value[key], (*path, str(key)))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _leaves(each, (*path, place))


def _is_leaf(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)

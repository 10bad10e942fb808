"""Inputs, outputs and spatial layers of a Keras architecture, from its JSON alone."""

from collections.abc import Iterator
from typing import Any

from auditor.models.inspect.keras_outputs import declared_outputs


def keras_ports(config: dict[str, Any]) -> dict[str, Any]:
    """Return `inputs`, `outputs` and `spatial` of an architecture that was checked.

    Keras 3 writes beside every layer what goes into it, so that what comes out of the one before is
    known; Keras 2 does not, and then there are no spatial layers in the answer.
    """
    inner = config.get("config")
    layers = [x for x in _list(inner, "layers") if isinstance(x, dict)]
    shapes = _functional(layers) if config.get("class_name") != "Sequential" else _chain(layers)
    names = [_name(layer) for layer in layers]
    entered = [(_name(x), _declared(x)) for x in layers if x.get("class_name") == "InputLayer"]
    if not entered and layers:
        entered = [("input", _declared(layers[0]))]
    by_name = dict(zip(names, layers, strict=True))
    return {
        "inputs": tuple(entered),
        "outputs": tuple(
            (end, _width(by_name.get(layer), shapes.get(layer)))
            for end, layer in declared_outputs(config)
        ),
        "spatial": tuple(
            name
            for name, layer in by_name.items()
            if layer.get("class_name") != "InputLayer" and _has_rows(shapes.get(name, ()))
        ),
    }


def _functional(layers: list[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    """Return each layer's output shape, from what those that take it say."""
    found: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        for tensor in _tensors(layer.get("inbound_nodes")):
            history = tensor.get("keras_history")
            if isinstance(history, list) and history and isinstance(history[0], str):
                found[history[0]] = _shape(tensor.get("shape"))
    return found


def _chain(layers: list[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    """Return each layer's output shape: what the next one was built for."""
    found = {}
    for layer, after in zip(layers, layers[1:], strict=False):
        built = after.get("build_config")
        if isinstance(built, dict):
            found[_name(layer)] = _shape(built.get("input_shape"))
    return found


def _tensors(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__" and isinstance(value.get("config"), dict):
            yield value["config"]
            return
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _tensors(each)


def _declared(layer: dict[str, Any]) -> tuple[int, ...]:
    own = layer.get("config")
    said = own if isinstance(own, dict) else {}
    return _shape(said.get("batch_shape") or said.get("batch_input_shape"))


def _width(layer: dict[str, Any] | None, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return an output's shape: of a Dense layer it is known."""
    own = (layer or {}).get("config")
    units = own.get("units") if isinstance(own, dict) else None
    if shape:
        return shape
    return (-1, units) if isinstance(units, int) else ()


def _has_rows(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[1] * shape[2] != 1


def _shape(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(size if isinstance(size, int) else -1 for size in value)


def _name(layer: dict[str, Any]) -> str:
    own = layer.get("config")
    return str(own.get("name", "") if isinstance(own, dict) else "")[:500]


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []

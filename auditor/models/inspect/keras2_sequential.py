"""What Keras wrote of a list of layers before version 2.3, and `tf.keras` before 2.2.

The first layer said what goes in, or the first layer of that; Keras 3 wants a layer of its own for
it. Before 2.2.3 the list was all there was: no object around it, no name.
"""

from typing import Any


def with_input(found: dict[str, Any]) -> dict[str, Any]:
    """Return a serialised object, a Sequential with an input layer; anything else as it is."""
    if found.get("class_name") != "Sequential":
        return found
    config = found.get("config")
    if isinstance(config, list):
        config = {"name": found.get("name", f"{_first_name(config)}_sequential"), "layers": config}
    layers = _layers(config)
    if not isinstance(config, dict) or not layers:
        return found
    if _of(layers[0], "class_name") != "InputLayer" and (shape := _input_shape(layers[0])):
        own = _of(layers[0], "config")
        said = {key: _of(own, key) for key in ("name", "dtype")}
        entry = {
            "batch_input_shape": shape,
            **({"name": f"{said['name']}_input"} if isinstance(said["name"], str) else {}),
            **({"dtype": said["dtype"]} if isinstance(said["dtype"], str) else {}),
        }
        config = {**config, "layers": [{"class_name": "InputLayer", "config": entry}, *layers]}
    return {**found, "config": config}


def _input_shape(layer: Any) -> list[Any] | None:
    """Return what goes into a layer, as it says itself, or the first layer in it."""
    while True:
        config = _of(layer, "config")
        shape = _of(config, "batch_input_shape")
        if isinstance(shape, list):
            return shape
        layers = _layers(config)
        if not layers:
            return None
        if _of(layer, "class_name") == "Sequential":
            layer = layers[0]
        else:
            entered = [each for each in layers if _of(each, "class_name") == "InputLayer"]
            layer = entered[0] if len(entered) == 1 else None


def _first_name(layers: list[Any]) -> Any:
    """Return the name of the first layer that has one: a list's own name follows from it."""
    while layers:
        config = _of(layers[0], "config")
        if isinstance(name := _of(config, "name"), str):
            return name
        layers = _layers(config)
    return ""


def _layers(config: Any) -> list[Any]:
    found = _of(config, "layers") if isinstance(config, dict) else config
    return found if isinstance(found, list) else []


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None

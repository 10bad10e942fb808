"""Walk an architecture (the JSON that Keras builds a model from) against the allowlists."""

import json
import math
from typing import Any, NoReturn

from auditor.errors import InputError
from auditor.models.allowed import (
    ACTIVATIONS,
    CLASSES_OF_MODULE,
    DTYPES,
    FUNCTION_MODULES,
    LAYERS,
    MODELS,
    NAMED_BY_STRING,
)
from auditor.text import printable

_MAX_DEPTH = 64
_MAX_LAYERS = 20_000
_MAX_SIZE = 1_000_000
# Slack for what a file may store once and declare several times: shared layers, packed integers.
_SLACK_FACTOR, _SLACK_PARAMETERS = 4, 1_000_000

_CUSTOM = (
    "bdaudit loads only Keras' own layers and never code from a file; "
    "export the model to ONNX, or rebuild it from Keras' own layers"
)
# Values, not classes: Keras rebuilds these from numbers and shapes.
_VALUES = frozenset(
    {
        "__keras_tensor__",
        "__tensor__",
        "__numpy__",
        "__slice__",
        "__ellipsis__",
        "__tuple__",
        "TensorShape",
    }
)
# Each of these is a dimension of some weight of its layer, so their product is a lower bound.
_SIZES = (
    "units",
    "filters",
    "input_dim",
    "output_dim",
    "num_heads",
    "key_dim",
    "num_query_heads",
    "depth_multiplier",
)


def parse_architecture(text: bytes | str, shown: str) -> dict[str, Any]:
    """Parse the JSON as Keras does, with its nesting bounded.

    Args:
        text: the JSON.
        shown: the file's name for messages, already printable.

    Raises:
        InputError: it is not JSON, not an object, or nested more than 64 deep.
    """
    try:
        config = json.loads(text)
    except RecursionError:
        raise InputError(f"{shown}: config is nested more than {_MAX_DEPTH} deep") from None
    except ValueError as error:
        raise InputError(
            f"{shown}: the architecture is not JSON ({printable(str(error))})"
        ) from None
    if not isinstance(config, dict):
        raise InputError(f"{shown}: the architecture is not a JSON object; save the model again")
    level: list[Any] = [config]
    for _ in range(_MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
    if level:
        raise InputError(f"{shown}: config is nested more than {_MAX_DEPTH} deep")
    return config


def check_architecture(config: dict[str, Any], stored: int, shown: str) -> None:
    """Refuse an architecture that names anything unknown or needs more weights than are stored.

    Args:
        config: what `parse_architecture` returned.
        stored: how many numbers the file's weights hold.
        shown: the file's name for messages, already printable.

    Raises:
        InputError: naming the JSON path, the reason and what to do.
    """
    if not _known(config.get("class_name"), MODELS):
        raise InputError(
            f"{shown}: class_name is not one of {', '.join(sorted(MODELS))}; {_CUSTOM}"
        )
    walk = _Walk(shown)
    walk.value(config, "")
    if walk.parameters > parameters_allowed(stored):
        raise InputError(
            f"{shown}: the architecture needs at least {walk.parameters} parameters "
            f"but the file stores {stored}; it was not saved by Keras like this"
        )


def parameters_allowed(stored: int) -> int:
    """How many parameters a model may declare when its file stores this many numbers."""
    return _SLACK_FACTOR * stored + _SLACK_PARAMETERS


def layers_of(config: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return (name, class) of every layer of a checked architecture, nested ones included."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    found: list[tuple[str, str]] = []
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict):
            name = layer["config"].get("name")
            found.append((str(name), str(layer.get("class_name"))))
            found.extend(layers_of(layer))
    return tuple(found)


class _Walk:
    """One pass over an architecture; the depth is already known to be bounded."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.layers = 0
        self.parameters = 0
        self.shared: set[int] = set()

    def refuse(self, path: str, reason: str) -> NoReturn:
        raise InputError(f"{self.shown}: {printable(path.lstrip('.')[:200]) or 'config'}: {reason}")

    def value(self, value: Any, path: str) -> None:
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.value(item, f"{path}[{index}]")
        elif isinstance(value, dict):
            if "class_name" in value:
                self.object(value, path)
            for key, item in value.items():
                inside = f"{path}.{key}"
                if key == "inbound_nodes":
                    self.calls(item, inside)
                    continue
                if isinstance(item, str):
                    self.name(key, item, inside)
                self.value(item, inside)

    def object(self, found: dict[str, Any], path: str) -> None:
        """Check the class of one serialised object."""
        name, module = found["class_name"], found.get("module")
        if not isinstance(name, str) or not (module is None or isinstance(module, str)):
            self.refuse(path, "class_name and module must be text; save the model again")
        if name in _VALUES:
            self.constant(found, path)
            return
        registered = found.get("registered_name")
        if name == "function":
            self.function(found, path)
        elif name not in CLASSES_OF_MODULE.get(module or None, frozenset()):
            self.refuse(path, f"{self.described(found)} is not allowed; {_CUSTOM}")
        elif registered not in (None, name):
            self.refuse(path, f"registered_name {_quoted(registered)} is not Keras' own; {_CUSTOM}")
        elif name in LAYERS or name in MODELS:
            self.layer(found, path)

    def described(self, found: dict[str, Any]) -> str:
        config = found.get("config")
        layer = config.get("name") if isinstance(config, dict) else None
        of_layer = f" (layer {_quoted(layer)})" if isinstance(layer, str) else ""
        of_module = f" of module {_quoted(found['module'])}" if found.get("module") else ""
        return f"class {_quoted(found['class_name'])}{of_module}{of_layer}"

    def function(self, found: dict[str, Any], path: str) -> None:
        name, registered = found.get("config"), found.get("registered_name")
        if not _known(name, ACTIVATIONS) or not _known(found.get("module"), FUNCTION_MODULES):
            self.refuse(
                path, f"function {_quoted(name)} is not one of Keras' activations; {_CUSTOM}"
            )
        if registered not in (None, "function", name):
            self.refuse(path, f"registered_name {_quoted(registered)} is not Keras' own; {_CUSTOM}")

    def layer(self, found: dict[str, Any], path: str) -> None:
        """Count a layer and the parameters it needs at the very least."""
        self.layers += 1
        if self.layers > _MAX_LAYERS:
            self.refuse(path, f"more than {_MAX_LAYERS} layers")
        config = found.get("config")
        if not isinstance(config, dict):
            self.refuse(path, "a layer without a config object; save the model again")
        shared = found.get("shared_object_id")
        if isinstance(shared, int):
            if shared in self.shared:
                return
            self.shared.add(shared)
        for key in _SIZES:
            if _size(config.get(key)) > _MAX_SIZE:
                reason = f"{config[key]} is more than {_MAX_SIZE}; no image classifier needs it"
                self.refuse(f"{path}.config.{key}", reason)
        kernel = config.get("kernel_size")
        kernel = math.prod(map(_size, kernel)) if isinstance(kernel, list) else _size(kernel)
        if "Separable" in str(found["class_name"]):
            multiplier = _size(config.get("depth_multiplier"))
            self.parameters += multiplier * (kernel + _size(config.get("filters")))
        elif kernel > 1 or any(key in config for key in _SIZES):
            self.parameters += kernel * math.prod(_size(config.get(key)) for key in _SIZES)

    def name(self, key: str, name: str, path: str) -> None:
        """Check a plain string where Keras would look an object up by it."""
        kind = key.rpartition("_")[2]
        if name not in NAMED_BY_STRING.get(kind, (name,)):
            self.refuse(path, f"{kind} {_quoted(name)} is not one of Keras' own; {_CUSTOM}")

    def calls(self, nodes: Any, path: str) -> None:
        """Check how a layer is called: tensors and numbers only; a string can name an object."""
        if not isinstance(nodes, list) or len(nodes) > _MAX_LAYERS:
            self.refuse(path, f"not a list of at most {_MAX_LAYERS} calls")
        for index, node in enumerate(nodes):
            self.argument(node, f"{path}[{index}]", references=isinstance(node, list))

    def argument(self, value: Any, path: str, references: bool) -> None:
        """Check one argument; `references` allows Keras 2's ["layer", 0, 0] for a tensor."""
        if isinstance(value, str):
            self.refuse(path, f"the text {_quoted(value)} among call arguments; {_CUSTOM}")
        if isinstance(value, list):
            start = 1 if references and _is_reference(value) else 0
            for index, item in enumerate(value[start:], start):
                self.argument(item, f"{path}[{index}]", references)
        elif isinstance(value, dict):
            if "class_name" in value:
                if not _known(value["class_name"], _VALUES):
                    self.refuse(path, f"{self.described(value)} among call arguments; {_CUSTOM}")
                self.constant(value, path)
                return
            for key, item in value.items():
                self.argument(item, f"{path}.{key}", references=False)

    def constant(self, found: dict[str, Any], path: str) -> None:
        """Check a value: numbers all the way down, apart from a dtype and the name of a layer."""
        for key in found.keys() - {"class_name", "config", "items"}:
            self.refuse(f"{path}.{key}", "does not belong to a constant; save the model again")
        rest = found.get("config", found.get("items"))
        if isinstance(rest, dict):
            rest = dict(rest)
            dtype, history = rest.pop("dtype", "float32"), rest.pop("keras_history", None)
            if not _known(dtype, DTYPES):
                self.refuse(
                    f"{path}.config.dtype", f"{_quoted(dtype)} is not a number type of Keras"
                )
            if history is not None and not (isinstance(history, list) and _is_reference(history)):
                self.refuse(f"{path}.config.keras_history", "does not refer to a layer's output")
        self.argument(rest, f"{path}.config", references=False)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _known(name: Any, names: frozenset[str]) -> bool:
    return isinstance(name, str) and name in names


def _is_reference(value: list[Any]) -> bool:
    name, *indices = value[:3] or [None]
    return isinstance(name, str) and len(indices) == 2 and all(type(i) is int for i in indices)


def _size(value: Any) -> int:
    return value if type(value) is int and value > 0 else 1


def _quoted(value: Any) -> str:
    return printable(ascii(value)[:80])

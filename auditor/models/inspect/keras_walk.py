"""Walk an architecture against the allowlists: classes, functions, texts and sizes."""

from typing import Any

from auditor.models.inspect.inspection import Findings, TooManyFindings
from auditor.models.inspect.keras_calls import VALUES, Calls, known, quoted
from auditor.models.inspect.keras_modes import changing
from auditor.models.inspect.keras_names import (
    ACTIVATIONS,
    CLASSES_OF_MODULE,
    FUNCTION_MODULES,
    LAYERS,
    MODELS,
    NAMED_BY_STRING,
    TEXTS,
)
from auditor.models.inspect.keras_sizes import least_parameters, too_large

MAX_LAYERS = 20_000
ADVICE = (
    "bdaudit loads only Keras' own layers and never code from a file; "
    "export the model to ONNX, or rebuild it from Keras' own layers"
)
_MAX_TEXT = 500
_NAMES = frozenset({"class_name", "module", "registered_name"})
# Long enough for every key of Keras; a path must not grow with a file's own.
_KEY_IN_PATH = 40


class Walk:
    """One pass over an architecture whose depth is known to be bounded.

    Attributes:
        parameters: How many the layers need at the very least.
    """

    def __init__(self, findings: Findings) -> None:
        """Start with nothing seen; `findings` is told of all that is refused."""
        self.parameters = 0
        self._layers = 0
        self._shared: set[tuple[int, int]] = set()
        self._findings = findings
        self._calls = Calls(findings, MAX_LAYERS, ADVICE)

    def mapping(self, found: dict[str, Any], path: str) -> None:
        """Check one JSON object and all in it, unless its class is refused."""
        skipped: frozenset[str] = frozenset()
        if "class_name" in found:
            if not self._object(found, path):
                return
            skipped = _NAMES | {"config"} if found["class_name"] == "function" else _NAMES
        for key, item in found.items():
            inside = f"{path}.{key[:_KEY_IN_PATH]}".lstrip(".")
            if key in skipped:
                continue
            if key == "inbound_nodes":
                self._calls.nodes(item, inside)
            elif key in ("input_layers", "output_layers"):
                self._calls.ends(item, inside)
            else:
                self._value(item, key, inside)

    def _value(self, value: Any, key: str, path: str) -> None:
        """Check what stands under a key; the items of a list stand under the list's."""
        if reason := too_large(key, value):
            self._findings.add(path, f"{reason}; no image classifier needs it")
        elif isinstance(value, str):
            self._text(value, key, path)
        elif isinstance(value, dict):
            self.mapping(value, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._value(item, key, f"{path}[{index}]")

    def _text(self, text: str, key: str, path: str) -> None:
        """Check a plain text: under many keys Keras looks an object up by it."""
        kind = key.rpartition("_")[2]
        allowed = NAMED_BY_STRING.get(kind) or TEXTS.get(key, frozenset())
        if len(text) > _MAX_TEXT:
            self._findings.add(path, f"a text of more than {_MAX_TEXT} characters")
        elif allowed is not None and text not in allowed:
            what = f"{kind} {quoted(text)}" if kind in NAMED_BY_STRING else f"text {quoted(text)}"
            self._findings.add(path, f"{what} is not one of Keras' own; {ADVICE}")

    def _object(self, found: dict[str, Any], path: str) -> bool:
        """Check the class of a serialised object; whether to look at what is in it."""
        name, module = found["class_name"], found.get("module")
        registered = found.get("registered_name")
        reason = ""
        if not isinstance(name, str) or not (module is None or isinstance(module, str)):
            reason = "class_name and module must be text; save the model again"
        elif name in VALUES:
            self._calls.constant(found, path)
            return False
        elif name == "function":
            reason = _function(found)
        elif name not in CLASSES_OF_MODULE.get(module or None, frozenset()):
            reason = f"{_described(found)} is not allowed; {ADVICE}"
        elif registered not in (None, name):
            reason = f"registered_name {quoted(registered)} is not Keras' own; {ADVICE}"
        elif name in LAYERS or name in MODELS:
            reason = self._layer(found)
            for place, why in () if reason else changing(found, path):
                self._findings.add(place.lstrip("."), why)
        if reason:
            self._findings.add(path or "config", reason)
        return not reason

    def _layer(self, found: dict[str, Any]) -> str:
        """Count a layer and its parameters; the reason to refuse it, if there is one."""
        self._layers += 1
        if self._layers > MAX_LAYERS:
            self._findings.add("config", f"more than {MAX_LAYERS} layers")
            raise TooManyFindings
        if not isinstance(found.get("config"), dict):
            return "a layer without a config object; save the model again"
        parameters, shared = least_parameters(found), found.get("shared_object_id")
        # Only objects that name their module are shared by Keras; any other is built again.
        if isinstance(shared, int) and "module" in found:
            if (shared, parameters) in self._shared:
                return ""
            self._shared.add((shared, parameters))
        self.parameters += parameters
        return ""


def _function(found: dict[str, Any]) -> str:
    """The reason to refuse a function; empty for Keras' activations."""
    name, registered = found.get("config"), found.get("registered_name")
    if not known(name, ACTIVATIONS) or not known(found.get("module"), FUNCTION_MODULES):
        return f"function {quoted(name)} is not one of Keras' activations; {ADVICE}"
    if registered not in (None, "function", name):
        return f"registered_name {quoted(registered)} is not Keras' own; {ADVICE}"
    return ""


def _described(found: dict[str, Any]) -> str:
    config = found.get("config")
    layer = config.get("name") if isinstance(config, dict) else None
    of_layer = f" (layer {quoted(layer)})" if isinstance(layer, str) else ""
    of_module = f" of module {quoted(found['module'])}" if found.get("module") else ""
    return f"class {quoted(found['class_name'])}{of_module}{of_layer}"

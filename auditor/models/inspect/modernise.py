"""Translate an architecture into one that Keras 3 builds: plain data in, plain data out.

Files of Keras 2 name arguments that Keras 3 dropped, and write `x / 127.5 - 1` as TFOpLambda,
which Keras 3 does not have (`keras2_operators`). This runs before the allowlists are applied, on
data nobody has checked, so it changes only what it fully recognises and leaves the rest to be
refused.
"""

from typing import Any

from auditor.models.inspect.keras2_operators import translate_operator
from auditor.models.inspect.keras2_sequential import with_input
from auditor.models.inspect.keras_names import APPLICATION_LAYERS, INITIALIZERS

# Keras 2 listed a third kernel beside the depthwise and the pointwise one, and never made it.
_UNUSED_KERNEL = {
    "groups": 1,
    "kernel_initializer": None,
    "kernel_regularizer": None,
    "kernel_constraint": None,
}

# Arguments that Keras 3 dropped, and the value (None: any) at which that changes nothing.
_DROPPED: dict[str, dict[str, Any]] = {
    "DepthwiseConv1D": {"groups": 1},
    "DepthwiseConv2D": {"groups": 1},
    "SeparableConv1D": _UNUSED_KERNEL,
    "SeparableConv2D": _UNUSED_KERNEL,
    "Conv1DTranspose": {"groups": 1},
    "Conv2DTranspose": {"groups": 1},
    "Conv3DTranspose": {"groups": 1},
    "MultiHeadAttention": {
        "query_shape": None,
        "key_shape": None,
        "value_shape": None,
        "softmax_robust_masking": False,
    },
    "SimpleRNN": {"time_major": False, "implementation": None},
    "LSTM": {"time_major": False, "implementation": None},
    "GRU": {"time_major": False, "implementation": None},
    "RNN": {"time_major": False},
    **{f"SpatialDropout{n}D": {"noise_shape": None, "trainable": None} for n in (1, 2, 3)},
}

# Names that Keras 2 wrote of itself as if they were somebody's own, and what they are.
_RENAMED = {
    "Custom>CustomScaleLayer": "CustomScaleLayer",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}
_INITIALIZERS = "tensorflow.python.ops.init_ops_v2"

# The same name, another function: 0.2 x + 0.5 in Keras 2, x / 6 + 0.5 in Keras 3.
_CHANGED_ACTIVATION = "hard_sigmoid"


def modernise(config: dict[str, Any], keras2: bool) -> dict[str, Any]:
    """Return the architecture as Keras 3 understands it; the input is not changed.

    Nested `compile_config` goes too: Keras 3 skips only the outermost one under `compile=False`,
    and an auditor needs no optimizer or loss from the file.

    Args:
        config: a parsed architecture of bounded depth, otherwise unchecked.
        keras2: whether Keras 2 wrote it, so that its names and numbering apply.
    """
    found = config
    if "class_name" in config and config.get("compile_config"):
        found = {key: value for key, value in config.items() if key != "compile_config"}
    if keras2:
        found = _graph(_object(with_input(found)))
    application = APPLICATION_LAYERS.get(str(found.get("class_name")))
    if application and "module" not in found:
        # HDF5 files name these layers without saying where they live.
        found = {**found, "module": application}
    return {key: _value(item, keras2) for key, item in found.items()}


def _value(value: Any, keras2: bool) -> Any:
    if isinstance(value, dict):
        return modernise(value, keras2)
    return [_value(item, keras2) for item in value] if isinstance(value, list) else value


def _object(found: dict[str, Any]) -> dict[str, Any]:
    """Translate one serialised object: its arguments, and a layer's name."""
    name, config = found.get("class_name"), found.get("config")
    if not isinstance(name, str) or not isinstance(config, dict):
        return found
    if name == "TFOpLambda":
        return _object(moved) if (moved := translate_operator(found)) else found
    dropped = _dropped(name, config)
    config = {
        key: f"{value} of Keras 2" if _is_changed(key, value) else value
        for key, value in config.items()
        if key not in dropped or (dropped[key] is not None and dropped[key] != value)
    }
    axis = config.get("axis")
    if name.startswith("BatchNormalization") and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if name == "ThresholdedReLU" and "theta" in config:
        name, config["threshold"] = "ReLU", config.pop("theta")
    if isinstance(config.get("dtype"), dict) and config["dtype"].get("class_name") == "Policy":
        config["dtype"] = _of(config["dtype"].get("config"), "name")
    if isinstance(config.get("name"), str):
        config["name"] = _layer_name(config["name"])
    moved = {"module": "keras.initializers"} if found.get("module") == _INITIALIZERS else {}
    return {**found, **moved, "class_name": _RENAMED.get(name, name), "config": config}


def _dropped(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return what to drop of an object, and the value (None: any) at which that changes nothing."""
    if name in INITIALIZERS and "name" not in config:  # those of TensorFlow 1.14 to 2.0
        return {"dtype": None}
    return _DROPPED.get(name, {"rng_type": None} if name.startswith("Random") else {})


def _is_changed(key: str, value: Any) -> bool:
    """Whether this would build, and silently compute something else, in Keras 3."""
    return key.endswith("activation") and value == _CHANGED_ACTIVATION


def _layer_name(name: str) -> str:
    """Keras 3 refuses the slashes that Keras 2 has in names such as "conv1/bn"."""
    return name.replace("/", ".")


def _graph(found: dict[str, Any]) -> dict[str, Any]:
    """Translate how Keras 2 numbers a nested model's calls and lists a model's only output.

    In Keras 2 a model made from an Input counts its construction as call 0, so that references to
    it start at 1.
    """
    config = found.get("config")
    layers = _of(config, "layers")
    if not isinstance(config, dict) or not isinstance(layers, list):
        return found
    # Operators first: the layers they become have calls to renumber. Doing it twice is harmless.
    layers = [_object(layer) if isinstance(layer, dict) else layer for layer in layers]
    if any(_of(layer, "class_name") == "InputLayer" for layer in layers):
        layers = [_without_shape(layer) for layer in layers]
    called = [_of(layer, "inbound_nodes") for layer in layers]
    references = _references([called, _of(config, "output_layers")])
    kinds = {str(_of(layer, "name")): _of(layer, "class_name") for layer in layers}
    nested = {name for name, kind in kinds.items() if kind in ("Functional", "Model", "Sequential")}
    shifts = {name: 1 for name in nested if min(references.get(name, [0])) == 1}
    # Keras 3 subtracts this one itself where a Functional model is the output.
    of_outputs = {name: 1 for name in shifts if kinds[name] == "Sequential"}
    config = {**config, "layers": [_renumbered(layer, shifts) for layer in layers]}
    for key, moved in (("input_layers", {}), ("output_layers", of_outputs)):
        ends = config.get(key)
        if isinstance(ends, list):
            config[key] = _shifted(ends[0] if len(ends) == 1 else ends, moved)
    return {**found, "config": config}


def _without_shape(layer: Any) -> Any:
    """Drop the input shape that some layers repeat although an InputLayer states it."""
    config = _of(layer, "config")
    if not isinstance(config, dict) or layer.get("class_name") == "InputLayer":
        return layer
    kept = {key: value for key, value in config.items() if key != "batch_input_shape"}
    return {**layer, "config": kept}


def _renumbered(layer: Any, shifts: dict[str, int]) -> Any:
    if not isinstance(layer, dict) or "inbound_nodes" not in layer:
        return layer
    renumbered = {**layer, "inbound_nodes": _shifted(layer["inbound_nodes"], shifts)}
    if isinstance(layer.get("name"), str):
        renumbered["name"] = _layer_name(layer["name"])
    return renumbered


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _references(value: Any) -> dict[str, list[int]]:
    """The calls that a structure of ["layer", call, tensor] lists refers to, by layer."""
    found: dict[str, list[int]] = {}
    pending = [value]
    while pending:
        match pending.pop():
            case [str(layer), int(call), int(), *rest]:
                found.setdefault(layer, []).append(call)
                pending.extend(rest)
            case list(items):
                pending.extend(items)
            case dict(items):
                pending.extend(items.values())
    return found


def _shifted(value: Any, shifts: dict[str, int]) -> Any:
    match value:
        case [str(layer), int(call), int(tensor), *rest]:
            moved = [_shifted(item, shifts) for item in rest]
            return [_layer_name(layer), call - shifts.get(layer, 0), tensor, *moved]
        case list(items):
            return [_shifted(item, shifts) for item in items]
        case dict(items):
            return {key: _shifted(item, shifts) for key, item in items.items()}
    return value

"""What `load_model` of others would build from a file, beside what is audited of it.

The audit loads a model's layers and weights, never its optimizer, losses and metrics, and of a
SavedModel the signature that serves. Whoever calls `keras.models.load_model` gets the rest too,
whatever version of Keras that is: a Lambda's bytecode runs there, and a module is imported by the
name that the file gives. That is refused. Names of somebody's own, which a loader looks up among
what its user has registered, run nothing of the file's: they are noted.
"""

import builtins
import json
from collections.abc import Iterator
from typing import Any

from auditor.models.inspect.inspection import Findings
from auditor.models.inspect.keras_calls import quoted
from auditor.models.inspect.keras_elsewhere_names import (
    DANGEROUS,
    FUNCTIONS,
    HARMLESS,
    OF_TRAINING,
    OWN_PACKAGES,
    computes,
)
from auditor.models.inspect.tensorflow_ops import OPERATORS

RESAVE = "load it with compile=False where you trust it, and save it again"
_RUNS = "load_model would run or open what the file names with it"
_PATH = 200
_FUNCTIONS_OF_LAMBDA = ("function", "output_shape", "mask")


def check_elsewhere(value: Any, place: str, findings: Findings, advice: str = RESAVE) -> None:
    """Look at everything that a loader of Keras would build of some JSON.

    Args:
        value: The JSON, of bounded depth.
        place: Where it stands.
        findings: Told of what would run code or open files; notes what is somebody's own.
        advice: What to do about it.
    """
    if isinstance(value, dict) and "class_name" in value:
        if reason := _refused(value):
            findings.add(place, f"{reason}; {advice}")
            return
        if name := _somebodys_own(value):
            findings.note(place, f"{name} is not Keras' own; load_model asks its reader for it")
    for key, item in _children(value):
        if isinstance(item, (list, dict)):  # numbers come by the million
            check_elsewhere(item, f"{place}{key}"[:_PATH], findings, advice)


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """Give what is in a list or an object, each with how its place is written."""
    if isinstance(value, dict):
        yield from ((f".{key[:40]}", item) for key, item in value.items())
    elif isinstance(value, list):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))


def compile_configs(value: Any, place: str = "") -> list[tuple[str, Any]]:
    """Return (place, JSON) of every `compile_config` in an architecture, at any depth."""
    found: list[tuple[str, Any]] = []
    for key, item in _children(value):
        inside = f"{place}{key}"[:_PATH]
        if key == ".compile_config":
            found.append((inside.lstrip("."), item))
        elif isinstance(item, (list, dict)):
            found.extend(compile_configs(item, inside))
    return found


def _refused(found: dict[str, Any]) -> str:
    """The reason to refuse a serialised object."""
    name, module = found["class_name"], found.get("module")
    if not isinstance(name, str) or not (module is None or isinstance(module, str)):
        return "class_name and module must be text"
    known = name.rpartition(">")[2]
    if known in DANGEROUS and not _is_plain(known, found.get("config")):
        return f"class {quoted(name)}: {_RUNS}"
    if name == "function":
        return _refused_function(found)
    if name == "__typespec__":
        return f"class {quoted(name)}: load_model would import the module that it names"
    package = (module or "").partition(".")[0]
    if module and package not in (*OWN_PACKAGES, "builtins", "__main__"):
        return f"class {quoted(name)} of module {quoted(module)}, which load_model would import"
    is_new = module in OF_TRAINING and known[:1].isupper()
    if package in OWN_PACKAGES and known not in HARMLESS | DANGEROUS and not is_new:
        return f"class {quoted(name)} of module {quoted(module)} is not known to be harmless"
    return f"class {quoted(name)} of Python's own" if module == "builtins" else ""


def _refused_function(found: dict[str, Any]) -> str:
    name, module = found.get("config"), found.get("module")
    package = module.partition(".")[0] if isinstance(module, str) else ""
    if package not in ("", *OWN_PACKAGES, "builtins", "__main__"):
        return f"function {quoted(name)} of module {quoted(module)}, which load_model would import"
    own = isinstance(name, str) and name in FUNCTIONS
    if package in OWN_PACKAGES and not own:
        return f"function {quoted(name)} of module {quoted(module)} is not known to be harmless"
    return f"function {quoted(name)} of Python's own" if not own and _is_builtin(name) else ""


def _is_builtin(name: Any) -> bool:
    return isinstance(name, str) and hasattr(builtins, name)


def _somebodys_own(found: dict[str, Any]) -> str:
    """Name an object that is none of Keras' own; empty for one that is."""
    if found["class_name"] == "function":
        name = found.get("config")
        return "" if name in FUNCTIONS else f"function {quoted(name)}"
    name = str(found["class_name"])
    return "" if name.rpartition(">")[2] in HARMLESS | DANGEROUS else f"class {quoted(name)}"


def _is_plain(name: str, config: Any) -> bool:
    """Whether a class that can run code is told to do no more than compute."""
    if not isinstance(config, dict):
        return False
    if name == "Lambda":  # a function by its name, which the reader has to have
        parts = [(config.get(key), config.get(f"{key}_type")) for key in _FUNCTIONS_OF_LAMBDA]
        named, *others = (kind == "function" and isinstance(part, str) for part, kind in parts)
        plain = (kind in (None, "raw") and not isinstance(part, dict) for part, kind in parts[1:])
        return named and all(map(max, others, plain))
    if name in ("TFOpLambda", "SlicingOpLambda"):
        function = config.get("function")
        return isinstance(function, str) and computes(function)
    return name == "TensorFlowOpLayer" and _operator(config.get("node_def")) in OPERATORS


def _operator(node: Any) -> str:
    """Return the operator of a node written as JSON."""
    try:
        parsed = json.loads(node) if isinstance(node, str) and len(node) < 2**20 else None
    except (ValueError, RecursionError):
        return ""
    return str(parsed.get("op")) if isinstance(parsed, dict) else ""

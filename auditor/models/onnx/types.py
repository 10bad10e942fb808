"""Which type each value of a graph has, and which one a backend computes it in.

ONNX' operators give the types that they say, and what a type cannot hold is lost: a float16 ends at
65,504, a float32 below 1e-45, a uint8 begins anew at 256. Backends lack most operators for small
types, so a node is computed in a type with room for them and its results are brought back to
theirs: products and sums of half precision, of float32's, are rounded once, as IEEE 754 wants them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from onnx import TensorProto, defs, helper

from auditor.models.onnx.node import Node
from auditor.models.onnx.values import Tensor, Unknown, Value, is_symbolic

WIDER = {
    **dict.fromkeys(("float16", "bfloat16"), "float32"),
    **dict.fromkeys(("int8", "uint8", "int16", "uint16"), "int32"),
    "uint32": "int64",
}
"""Type → the one that it is computed in."""

COMPUTED = {"bool", "int32", "int64", "float32", "float64", *WIDER}
"""Types that are computed with: those of 64 bits without a sign, and of less than 8, are not."""

_NAMES = {"float": "float32", "double": "float64"}


def type_of(value: Value) -> str | None:
    """Return a value's type by its NumPy name; None where it is left out, or not known yet."""
    if value is None or is_symbolic(value):
        return None
    return value.dtype if isinstance(value, Tensor) else np.dtype(value.dtype).name


def result_types(node: Node, given: Sequence[str | None]) -> list[str | None]:
    """Return the types of a node's outputs, None where nothing says them.

    Args:
        node: The node.
        given: The types of its inputs, as `type_of` gives them.

    Raises:
        Unknown: Inputs that are to be of one type are of two.
    """
    schema = _schema(node.op, node.opset)
    bound = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    only = {name: next(iter(types)) for name, types in bound.items() if len(types) == 1}
    types = {name: _named(text) for name, text in only.items()}
    for formal, kind in zip(_formals(schema.inputs, len(given)), given, strict=False):
        if kind is None or formal not in bound or formal in only:
            continue
        first = types.setdefault(formal, kind) or kind
        if not same_type(first, kind):
            raise Unknown(f"its inputs are of two types, {first} and {kind}")
    asked = _asked(node) or (given[0] if node.op == "EyeLike" else None)
    outputs = _formals(schema.outputs, len(node.outputs))
    return [types.get(formal) or _named(formal) or asked for formal in outputs]


def widened(value: Value, instead: Mapping[str, str]) -> Value:
    """Return a value in the type that it is computed in.

    Args:
        value: Of any type.
        instead: Type → the one to use in its place, in mixed precision.

    Raises:
        Unknown: Its type is not computed with.
    """
    kind = type_of(value)
    if kind is None or value is None:
        return value
    if kind not in COMPUTED:
        if not isinstance(value, Tensor):
            return value  # a shape, maybe; what cannot be computed with it says so
        raise Unknown(f"numbers of type {kind}")
    wide = WIDER.get(kind, kind)
    if not isinstance(value, Tensor):
        return value.astype(wide, copy=False)
    return converted(value, instead.get(wide, wide))


def converted(value: Value, kind: str | None) -> Value:
    """Return a value in a type; whole numbers that do not fit begin anew, as in memory.

    Args:
        value: Of any type.
        kind: The type; None for the value's own.

    Raises:
        Unknown: The backend does not have it.
    """
    from keras import ops

    own = type_of(value)
    if kind is None or own is None or same_type(own, kind):
        return value
    if not isinstance(value, Tensor):
        assert value is not None
        return value.astype(dtype_of(kind), copy=False)
    cast = Tensor(ops.cast(value.data, kind), value.last)
    if not same_type(cast.dtype, kind):
        raise Unknown(f"numbers of type {kind}, which this backend does not have")
    return cast


def same_type(one: str, other: str) -> bool:
    """Whether two types are one; JAX has 32 bits for whole numbers of 64."""
    return one == other or _without_64(one) == _without_64(other)


def stored_type(data_type: int) -> str:
    """Return the NumPy name of one of ONNX' types by number; of text, "string"."""
    if data_type == TensorProto.STRING:
        return "string"
    return np.dtype(helper.tensor_dtype_to_np_dtype(data_type)).name


def number_of(kind: str) -> int:
    """Return ONNX' number of a type."""
    return int(helper.np_dtype_to_tensor_dtype(dtype_of(kind)))


def _without_64(kind: str) -> str:
    from keras import backend

    is_short = backend.backend() == "jax" and kind in ("int64", "uint64")
    return kind.replace("64", "32") if is_short else kind


def dtype_of(kind: str) -> np.dtype[Any]:
    """Return a type as NumPy has it."""
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)


@lru_cache(maxsize=1024)
def _schema(op: str, opset: int) -> Any:
    return defs.get_schema(op, opset)


def _formals(declared: Iterable[Any], count: int) -> list[str]:
    """Return what a schema says of so many inputs or outputs; the last may stand for many."""
    names = [formal.type_str for formal in declared]
    return [*names, *names[-1:] * (count - len(names))][:count]


def _named(text: str) -> str | None:
    """Return the type in "tensor(int64)"; None for a name that stands for several."""
    if not text.startswith("tensor("):
        return None
    name = text[len("tensor(") : -1]
    return _NAMES.get(name, name)


def _asked(node: Node) -> str | None:
    """Return the type that an attribute asks for."""
    default = TensorProto.FLOAT if "stash_type" in _schema(node.op, node.opset).attributes else None
    asked = node.get("to") or node.get("dtype") or node.get("stash_type") or default
    return None if asked is None else stored_type(asked)

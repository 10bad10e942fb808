"""A node alone, with odd numbers to compute with."""

from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from auditor.models.onnx.types import number_of

Array = NDArray[Any]
INF, NAN = np.inf, np.nan

ODD = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 1e-3, 100.0, -100.0, 1e30, -1e30]
SPECIAL = [INF, -INF, NAN]
WHOLE = [0, 1, -1, 2, -2, 3, 7, -7, 100, -100]
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")


@dataclass(frozen=True)
class Case:
    """One node.

    Attributes:
        op: Operator.
        inputs: What it is given; None where one is left out.
        attributes: Of the node.
        opset: Version of the operators.
        known: Positions of inputs that a graph stores.
        about: What is odd here.
        outputs: How many it gives.
    """

    op: str
    inputs: tuple[Array | None, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = 21
    known: frozenset[int] = frozenset()
    about: str = ""
    outputs: int = 1

    @property
    def name(self) -> str:
        """What it is, for people: operator, version, types, attributes."""
        kinds = "·".join("" if v is None else f"{v.dtype.name}{list(v.shape)}" for v in self.inputs)
        said = ",".join(f"{k}={v}" for k, v in self.attributes.items())
        return " ".join(filter(None, (f"{self.op}-{self.opset}", kinds, said, self.about)))

    def node(self) -> Any:
        """Return the node."""
        names = ["" if v is None else f"i{i}" for i, v in enumerate(self.inputs)]
        outputs = [f"o{i}" for i in range(self.outputs)]
        return helper.make_node(self.op, names, outputs, **self.attributes)

    def model(self) -> Any:
        """Return a graph of the node alone."""
        given = {f"i{i}": v for i, v in enumerate(self.inputs) if v is not None}
        known = {f"i{i}" for i in self.known}
        takes = [
            helper.make_tensor_value_info(n, number_of(v.dtype.name), v.shape)
            for n, v in given.items()
            if n not in known
        ]
        stored = [numpy_helper.from_array(given[n], n) for n in sorted(known & given.keys())]
        node = self.node()
        outputs = [helper.ValueInfoProto(name=name) for name in node.output]
        graph = helper.make_graph([node], "g", takes, outputs, stored)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8
        )

    def fed(self) -> dict[str, Array]:
        """Return what the graph takes."""
        return {
            f"i{i}": v for i, v in enumerate(self.inputs) if v is not None and i not in self.known
        }


def array(numbers: Any, kind: str = "float32", shape: tuple[int, ...] | None = None) -> Array:
    """Return numbers in a type; what a type cannot hold is cut off its ends."""
    dtype = np.dtype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)
    wide = np.asarray(numbers, np.float64)
    if dtype.kind in "iu":
        ends = np.iinfo(dtype)
        wide = np.clip(wide, float(ends.min), float(ends.max))
    with np.errstate(all="ignore"):
        found = wide.astype(dtype)
    return found if shape is None else np.resize(found, shape)

"""Small classifiers of random operators on numbers of random types, all of them valid."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSETS = (13, 17, 18, 21)
FLOATS = ("float32", "float64", "float16")
WHOLE = ("int32", "int64")
SMALL = ("int8", "uint8", "int16", "uint16")
SIZE, WIDTH = 8, 6

UNARY = {
    "Abs Neg": (*FLOATS, *WHOLE),
    "Sign": WHOLE,
    "Relu Sigmoid Tanh Exp Sqrt Reciprocal Softplus Softsign Erf Elu Selu LeakyRelu "
    "HardSigmoid HardSwish Celu Atan Asinh": ("float32",),
    "Softmax LogSoftmax": ("float32",),
}
STEPS = ("Ceil", "Floor", "Round", "Sign", "Hardmax")
BINARY = {
    "Add Sub Mul": (*FLOATS, *WHOLE),
    "Div Max Min": ("float32", "float64", "int32", "int64"),
    "Mod": ("int32", "int64"),
    "Pow PRelu": ("float32",),
    "BitwiseAnd BitwiseOr BitwiseXor": ("int32", "int64", "uint8"),
}
COMPARED = ("Less", "Greater", "Equal", "LessOrEqual", "GreaterOrEqual")
REDUCED = ("ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum", "ReduceL1", "ReduceL2")


class Writer:
    """A graph in the making; `at` is the tensor that it ends in, `kind` its type."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.opset = rng, rng.choice(OPSETS)
        self.random = np.random.default_rng(rng.randrange(2**32))
        self.nodes: list[Any] = []
        self.stored: list[Any] = []
        self.at, self.kind = "x", "float32"

    def then(self, op: str, *more: str, **attributes: Any) -> None:
        """Add a node that takes what the last one gave."""
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.at, *more], [output], **attributes))
        self.at = output

    def number(self, value: Any, kind: str) -> str:
        """Store numbers; return their name."""
        name = f"c{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(value).astype(kind), name))
        return name

    def cast(self, kind: str) -> None:
        """Go on in another type, within its bounds: beyond them programs need not agree."""
        if kind == self.kind:
            return
        if self.kind in FLOATS and kind not in FLOATS:
            self.clear()
            ends = np.iinfo(kind)
            self.clip(max(ends.min, -(2**23)), min(ends.max, 2**23))
        self.then("Cast", to=int(helper.np_dtype_to_tensor_dtype(np.dtype(kind))))
        self.kind = kind

    def clip(self, low: float, high: float) -> None:
        """Keep numbers within bounds."""
        self.then("Clip", self.number(low, "float32"), self.number(high, "float32"))

    def clear(self) -> None:
        """Go on where rounding decides nothing: no NaN, nothing alike, nothing near 0 or 1."""
        self.cast("float32")
        numbers = self.at
        self.then("IsNaN")
        self.then("Where", self.number(0, "float32"), numbers)
        self.clip(-1e3, 1e3)
        self.then("Mul", self.number(1.37, "float32"))
        self.then("Add", self.number(0.11 + 0.123 * np.arange(WIDTH), "float32"))

    def step(self) -> None:
        """Add one random operator on (n, 6) numbers."""
        steps = (self._unary, self._binary, self._cut, self._compared, self._reduced, self._moved)
        self.rng.choice(steps)()

    def _cut(self) -> None:
        self.clear()
        self.then(self.rng.choice(STEPS))

    def _unary(self) -> None:
        names, kinds = self.rng.choice(list(UNARY.items()))
        self.cast(self.rng.choice(kinds))
        self.then(self.rng.choice(names.split()))

    def _binary(self) -> None:
        names, kinds = self.rng.choice(list(BINARY.items()))
        op = self.rng.choice(names.split())
        if op.startswith("Bitwise") and self.opset < 18:
            op, kinds = "Add", ("float32",)
        self.cast(self.rng.choice(kinds))
        numbers = self.random.integers(1, 5, (self.rng.choice((1, WIDTH)),)) / 2
        if self.kind not in FLOATS:
            numbers = np.maximum(numbers.round(), 1)
        if op == "Pow":
            self.then("Abs")
        more = {"fmod": self.rng.randrange(2)} if op == "Mod" else {}
        self.then(op, self.number(numbers, self.kind), **more)

    def _compared(self) -> None:
        self.cast(self.rng.choice(("float32", "int32", "int64")))
        if self.kind in FLOATS:
            self.clear()
        limit = self.random.integers(-2, 3, (WIDTH,))
        self.then(self.rng.choice(COMPARED), self.number(limit, self.kind))
        self.kind = "bool"
        self.cast(self.rng.choice(("float32", "int32", *SMALL)))

    def _reduced(self) -> None:
        """One number of each row, beside the row."""
        self.cast("float32")
        row, op = self.at, self.rng.choice(REDUCED)
        if op == "ReduceSum" or self.opset >= 18:
            self.then(op, self.number([1], "int64"))
        else:
            self.then(op, axes=[1])
        self.then("Add", row)

    def _moved(self) -> None:
        self.cast(self.rng.choice(("float32", "int32", "int64")))
        places = self.random.integers(-WIDTH, WIDTH, WIDTH)
        self.then("Gather", self.number(places, "int64"), axis=1)

    def window(self) -> None:
        """Add a pool of (n, 4, h, w) numbers."""
        op = self.rng.choice(("MaxPool", "AveragePool"))
        how: dict[str, Any] = {"kernel_shape": [3, 2], "strides": [1, self.rng.choice((1, 2))]}
        pads = self.rng.choice(("", "SAME_UPPER", "SAME_LOWER", "[1]"))
        if pads == "[1]":
            how["pads"] = [1, self.rng.randrange(2), 1, self.rng.randrange(2)]
        elif pads:
            how["auto_pad"] = pads
        if op == "AveragePool":
            how["count_include_pad"] = self.rng.randrange(2)
        self.then(op, **how)


def write(seed: Path, target: Path, rng: Random, baits: tuple[str, ...]) -> None:
    """Write a classifier of (n, 3, 8, 8) images; where it begins is not the seed but chance."""
    graph = Writer(rng)
    weights = graph.random.normal(0, 0.3, (4, 3, 3, 3))
    graph.then("Conv", graph.number(weights, "float32"), pads=[1, 1, 1, 1])
    if rng.random() < 0.5:
        graph.window()
    graph.then("GlobalAveragePool")
    graph.then("Flatten")
    graph.then("MatMul", graph.number(graph.random.normal(0, 3, (4, WIDTH)), "float32"))
    for _ in range(rng.randrange(1, 8)):
        graph.step()
    graph.cast("float32")
    graph.then("MatMul", graph.number(graph.random.normal(0, 1, (WIDTH, 4)), "float32"))
    target.write_bytes(_model(graph).SerializeToString())


def _model(graph: Writer) -> onnx.ModelProto:
    kind: Callable[..., Any] = helper.make_tensor_value_info
    image = kind("x", onnx.TensorProto.FLOAT, ("n", 3, SIZE, SIZE))
    scores = kind(graph.at, onnx.TensorProto.FLOAT, ("n", 4))
    whole = helper.make_graph(graph.nodes, "g", [image], [scores], graph.stored)
    opsets = [helper.make_opsetid("", graph.opset)]
    return helper.make_model(whole, opset_imports=opsets, ir_version=8)

"""Single operators on odd numbers: as they are run here, by ONNX' own implementation, by others.

python -m tests.models.onnx.semantics [OPERATOR …]    says what differs
"""

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
from keras import ops
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from auditor.errors import InputError
from auditor.models.onnx.node import Node
from auditor.models.onnx.run import evaluate
from auditor.models.onnx.types import number_of
from auditor.models.onnx.values import Tensor, Value

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


def here(case: Case) -> list[Array] | str:
    """Return what is computed here, or why it is refused."""
    values: list[Value] = [
        v if v is None or i in case.known else Tensor(ops.convert_to_tensor(v, v.dtype.name))
        for i, v in enumerate(case.inputs)
    ]
    try:
        outputs = evaluate(Node.of(case.node(), case.opset), values)
    except InputError as error:
        return str(error)
    return [
        np.asarray(ops.convert_to_numpy(v.plain())) if isinstance(v, Tensor) else np.asarray(v)
        for v in outputs[: case.outputs]
    ]


def reference(case: Case) -> list[Array] | None:
    """Return what ONNX' own implementation computes; None where it does not."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return [np.asarray(v) for v in ReferenceEvaluator(case.model()).run(None, case.fed())]
    except Exception:
        return None


def runtime(case: Case) -> list[Array] | None:
    """Return what ONNX Runtime computes; None where it is not installed, or does not."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            case.model().SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return [np.asarray(v) for v in session.run(None, case.fed())]
    except Exception:
        return None


def same(ours: list[Array], theirs: list[Array]) -> bool:
    """Whether outputs agree in type, shape and numbers, as far as their types have digits."""
    return all(_same(a, b) for a, b in zip(ours, theirs, strict=True))


def _same(a: Array, b: Array) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.name in FLOATS:
        digits = {"float64": 1e-9, "float32": 2e-5, "float16": 4e-3, "bfloat16": 3e-2}[a.dtype.name]
        wide = a.astype(np.float64), b.astype(np.float64)
        return bool(np.allclose(*wide, rtol=digits, atol=digits, equal_nan=True))
    return bool(np.array_equal(a, b))


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


def cases() -> Iterator[Case]:
    """Give all cases, always the same."""
    yield from _pointwise()
    yield from _pairs()
    yield from _casts()
    yield from _shapes()
    yield from _reductions()
    yield from _windows()
    yield from _normalizations()
    yield from _others()


def _pointwise() -> Iterator[Case]:
    for op in (
        "Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid "
        "HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Reciprocal Relu Round Selu Shrink "
        "Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Celu"
    ).split():
        for kind in FLOATS[:3]:
            # far angles, and powers beyond a type, are a matter of digits
            far = op in ("Sin", "Cos", "Tan")
            numbers = [v for v in ODD if not far or abs(v) <= 100]
            yield Case(op, (array(numbers, kind),))
            yield Case(op, (array(SPECIAL, kind),), about="not finite")
            yield Case(op, (array([], kind, (0,)) if 0 else np.zeros((0, 3), kind),), about="empty")
    for op in ("Abs", "Neg", "Sign", "Relu", "BitwiseNot", "Identity"):
        for kind in INTS:
            low = np.iinfo(kind).min, np.iinfo(kind).max
            yield Case(op, (np.array([*low, *array(WHOLE, kind)], kind),))
    for attributes in ({"alpha": 0.0}, {"alpha": -2.0}, {"alpha": 3.0}):
        for op in ("Elu", "LeakyRelu", "Celu", "ThresholdedRelu"):
            if op == "Celu" and not attributes["alpha"]:
                continue
            yield Case(op, (array([*ODD, *SPECIAL]),), attributes)
    for positive, negative in ((0, 1), (1, 0), (0, 0)):
        signs = {"detect_positive": positive, "detect_negative": negative}
        yield Case("IsInf", (array([*ODD, *SPECIAL]),), signs)
    yield Case("Gelu", (array([*ODD[:13], NAN]),), {"approximate": "tanh"})
    yield Case("HardSigmoid", (array([*ODD, *SPECIAL]),), {"alpha": -1.0, "beta": 2.0})
    yield Case("Shrink", (array([*ODD, *SPECIAL]),), {"lambd": 1.5, "bias": 0.5})
    yield Case("Selu", (array([*ODD, *SPECIAL]),), {"alpha": 2.0, "gamma": 3.0})
    for kind in ("float32", "float64", "int32", "int64", "int8", "uint8"):
        x = array(WHOLE, kind)
        for low, high in ((-1, 2), (2, -1), (None, 2), (1, None), (None, None)):
            bounds = tuple(None if v is None else array(v, kind) for v in (low, high))
            yield Case("Clip", (x, *bounds), known=frozenset({1, 2}), about=f"{low}..{high}")
            yield Case("Clip", (x, *bounds), about=f"{low}..{high}, both computed")
    yield Case("Clip", (array([*ODD, *SPECIAL]), array(-1.0), array(1.0)), about="not finite")
    yield Case("Clip", (array([1.0, 2, 3]), array(NAN), array(2.0)), about="a bound NaN")
    yield Case("Clip", (array(ODD),), {"min": 2.0, "max": -1.0}, opset=6)
    for axis in (0, 1, -1, -3):
        for opset in (1, 11, 13):
            for op in ("Softmax", "LogSoftmax", "Hardmax"):
                x = array(ODD[:12], shape=(2, 2, 3))
                yield Case(op, (x,), {"axis": axis}, opset)
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        yield Case(op, (array(SPECIAL + ODD, shape=(6, 3)),), {"axis": -1}, about="not finite")
        yield Case(op, (array([[3, 3, 1], [1, 3, 3.0]]),), {"axis": 1}, about="ties")
        yield Case(op, (array(ODD[:12], "float64", (2, 6)),), {"axis": -1})
        yield Case(op, (array(ODD[:12], "float16", (2, 6)),), {"axis": -1})
        yield Case(op, (array(ODD[:12], shape=(2, 6)),), opset=11, about="the default axis")
        yield Case(op, (array(ODD[:12], shape=(2, 6)),), opset=13, about="the default axis")


def _pairs() -> Iterator[Case]:
    left, right = np.meshgrid(ODD[:13], ODD[:13])
    special = np.meshgrid([*SPECIAL, 0.0, 1.0, -1.0], [*SPECIAL, 0.0, 1.0, -1.0])
    for op in "Add Sub Mul Div Max Min Pow Less LessOrEqual Greater GreaterOrEqual Equal".split():
        for kind in FLOATS[:3]:
            yield Case(op, (array(left, kind), array(right, kind)))
            yield Case(op, tuple(array(v, kind) for v in special), about="not finite")
    for op in "Add Sub Mul Max Min Less Greater Equal Div Mod BitwiseAnd BitwiseOr BitwiseXor".split():
        for kind in INTS:
            ends = np.iinfo(kind)
            numbers = np.array([ends.min, ends.max, *array(WHOLE, kind)], kind)
            a, b = (v.reshape(-1).astype(kind) for v in np.meshgrid(numbers, numbers))
            if op in ("Div", "Mod"):  # ÷ 0, and the least ÷ -1, are undefined: they stop programs
                keep = (b != 0) & ~((a == ends.min) & (b.astype(np.int64) == -1))
                a, b = a[keep], b[keep]
            yield Case(op, (a, b))
            if op == "Mod":
                yield Case(op, (a, b), {"fmod": 1})
    for kind in FLOATS[:3]:
        a, b = np.meshgrid([5.5, -5.5, 3.0, -3.0, 0.0], [2.0, -2.0, 1.5, -1.5])
        yield Case("Mod", (array(a, kind), array(b, kind)), {"fmod": 1})
    yield Case("Mod", tuple(map(array, special)), {"fmod": 1}, about="not finite")
    for base in ("int32", "int64", "float32", "float64"):
        for power in ("int32", "int64", "float32", "float64"):
            x, y = np.meshgrid([0, 1, 2, -2, 3, 7], [0, 1, 2, 3, 5])
            yield Case("Pow", (array(x, base), array(y, power)))
    yield Case("Pow", (array([2, 3], "int32"), array([-1, 0.5], "float32")))
    for shapes in (((3, 1), (1, 4)), ((2, 3, 4), (4,)), ((2, 3, 4), (3, 1)), ((1,), (2, 2)), ((0, 3), (1, 3))):
        a, b = (array(ODD, shape=shape) for shape in shapes)
        for op in ("Add", "Mul", "Less", "PRelu"):
            if op != "PRelu" or np.broadcast_shapes(*shapes) == shapes[0]:
                yield Case(op, (a, b), about="broadcast")
        yield Case("Where", (a > 0, a, b), about="broadcast")
    yield Case("PRelu", (array([*ODD, *SPECIAL]), array(0.25)))
    for op in ("And", "Or", "Xor"):
        yield Case(op, (np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool)))
    yield Case("Not", (np.array([0, 1], bool),))
    yield Case("Equal", (np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool)))
    three = tuple(array(v) for v in ([1.0, NAN, 3, INF], [2.0, 2, NAN, -INF], [0.0, 1, 2, 3]))
    for op in ("Max", "Min", "Sum", "Mean"):
        yield Case(op, three, about="of three")
        yield Case(op, three[:1], about="of one")
    for kind in INTS:
        yield Case("Max", (array(WHOLE, kind), array(3, kind)), about="of whole numbers")
        yield Case("Sum", (array(WHOLE, "float64"), array(WHOLE, "float64")))
        break


def _casts() -> Iterator[Case]:
    kinds = ("bool", *INTS, *FLOATS)
    floats = [0, 0.4, 0.5, 1.5, 2.5, -0.5, -1.5, 100.7, -100.7, 126.5]
    for source in kinds:
        for target in kinds:
            numbers = array([v > 0 for v in floats], "bool") if source == "bool" else array(floats, source)
            number = number_of(target)
            yield Case("Cast", (numbers,), {"to": number}, about=target)
            if source not in ("bool", *FLOATS):
                ends = np.iinfo(source)
                numbers = np.array([ends.min, ends.max, ends.max // 2, ends.max // 3], source)
                yield Case("Cast", (numbers,), {"to": number}, about=f"{target}, the ends")
    for source in ("float32", "float64", "float16"):
        for target in ("int8", "uint8", "int16", "uint16", "int32", "int64", "bool", *FLOATS):
            many = [255.0, 256, 257, 300, -1, -129, 32768, 40000, -40000, 65000, 1e5, 3e9, -3e9, 1e19, 1e30]
            number = number_of(target)
            yield Case("Cast", (array(many, source),), {"to": number}, about=f"{target}, too large")
            yield Case("Cast", (array(SPECIAL, source),), {"to": number}, about=f"{target}, not finite")
    for target in ("float32", "int32", "bool"):
        like = array([1], target)
        yield Case("CastLike", (array([0, 0.5, -1.5, 7.0]), like))
        yield Case("CastLike", (array([0, 3, -7], "int64"), like))


def _shapes() -> Iterator[Case]:
    x = array(range(24), shape=(2, 3, 4))
    k = frozenset
    for starts, ends, axes, steps in (
        ([0], [2], [1], [1]), ([-1], [-4], [1], [-1]), ([5], [-100], [2], [-2]), ([1], [1], [2], [1]),
        ([-100], [100], [0], [1]), ([0, 1], [1, 100], [0, 2], [1, 2]), ([100], [0], [2], [-1]),
        ([2], [2**62], [2], [1]), ([-2], [-(2**62)], [2], [-1]),
    ):  # fmt: skip
        given = tuple(np.array(v, np.int64) for v in (starts, ends, axes, steps))
        yield Case("Slice", (x, *given), known=k({1, 2, 3, 4}), about=f"{starts}:{ends}:{steps} {axes}")
    for shape, zero in (([0, -1], 0), ([4, 0, -1], 0), ([-1], 0), ([24, 1, 1], 0), ([2, 0, 0], 0)):
        yield Case("Reshape", (x, np.array(shape)), {"allowzero": zero}, known=k({1}), about=str(shape))
    yield Case("Reshape", (np.zeros((0, 3), np.float32), np.array([3, 0])), {"allowzero": 1}, known=k({1}))
    for axis in (0, 1, 2, 3, -1, -3):
        yield Case("Flatten", (x,), {"axis": axis})
    for perm in ([0, 2, 1], [2, 1, 0], [1, 0, 2]):
        yield Case("Transpose", (x,), {"perm": perm})
    yield Case("Transpose", (x,))
    for indices in ([0, 2], [-1, -3], [[0, 1], [2, -1]], 1, -1):
        for known in (k(), k({1})):
            yield Case("Gather", (x, np.array(indices, np.int64)), {"axis": 1}, known=known, about=str(indices))
    for indices in ([[0, 0]], [[-1, -1], [1, -2]], [[1, 2], [0, -3]]):
        yield Case("GatherND", (x, np.array(indices, np.int64)), about=str(indices))
        yield Case("ScatterND", (x, np.array(indices, np.int64), np.full((len(indices), 4), 9, np.float32)), about=str(indices))
    yield Case("GatherND", (x, np.array([[[1]], [[-1]]], np.int64)), {"batch_dims": 1})
    where = np.array([[[0, -1, 1, 2]], [[1, 1, -2, 0]]], np.int64)
    yield Case("GatherElements", (x, where), {"axis": 1})
    for reduction in ("none", "add", "mul", "max", "min"):
        updates = array([9, -3, 2, NAN if reduction in ("max", "min") else 5, 1, 1, 1, 1], shape=(2, 1, 4))
        yield Case("ScatterElements", (x, where, updates), {"axis": 1, "reduction": reduction}, opset=18)
        same_place = np.array([[0, 1], [0, 1], [1, 1]], np.int64)
        if reduction != "none":  # which of two values stays is not defined
            yield Case("ScatterND", (x, same_place, array(range(12), shape=(3, 4))), {"reduction": reduction}, opset=18)
    for mode in ("constant", "reflect", "edge", "wrap"):
        for pads in ([0, 1, 1, 0, 1, 2], [0, -1, 1, 0, 1, -1], [0, 0, 2, 0, 0, 2]):
            yield Case("Pad", (x, np.array(pads)), {"mode": mode}, known=k({1}), about=str(pads))
    yield Case("Pad", (x, np.array([1, 2]), np.float32(7), np.array([-1])), known=k({1, 2, 3}))
    yield Case("Pad", (array(WHOLE, "int32"), np.array([1, 2]), np.int32(7)), known=k({1, 2}))
    yield Case("Pad", (array(ODD[:4]), np.array([1, 2]), np.float32(-INF)), known=k({1, 2}))
    for shape in ([2, 3, 4], [5, 1, 1, 1], [1], [1, 4]):
        yield Case("Expand", (array([1, 2, 3, 4.0], shape=(1, 4)), np.array(shape)), known=k({1}), about=str(shape))
    yield Case("Tile", (x, np.array([1, 2, 0])), known=k({1}))
    yield Case("Tile", (x, np.array([2, 1, 3])), known=k({1}))
    yield Case("Split", (x,), {"axis": 2, "num_outputs": 3}, outputs=3, opset=18)
    yield Case("Split", (x, np.array([1, 0, 3])), {"axis": -1}, known=k({1}), outputs=3)
    yield Case("Concat", (x, x[:, :0]), {"axis": 1}, about="of nothing")
    yield Case("Concat", (x, x), {"axis": -2})
    for axes in ([0], [0, -1], [2]):
        yield Case("Unsqueeze", (x, np.array(axes)), known=k({1}), about=str(axes))
    yield Case("Squeeze", (x[:1, :, :1],))
    yield Case("Squeeze", (x[:1, :, :1], np.array([-1])), known=k({1}))
    for mode in ("DCR", "CRD"):
        yield Case("DepthToSpace", (array(range(64), shape=(1, 8, 2, 4)),), {"blocksize": 2, "mode": mode})
    yield Case("SpaceToDepth", (array(range(64), shape=(1, 2, 4, 8)),), {"blocksize": 2})
    for depth_values in (([0.0, 1.0]), ([5.0, -3.0])):
        for axis in (-1, 0, 1):
            yield Case("OneHot", (np.array([0, 2, -1, 5, -9]), np.array(3), array(depth_values)), {"axis": axis}, known=k({1, 2}))
    for upper in (0, 1):
        for diagonal in (-1, 0, 2, 9, -9):
            yield Case("Trilu", (x, np.array(diagonal)), {"upper": upper}, known=k({1}), about=str(diagonal))
    yield Case("EyeLike", (x[0],), {"k": 1})
    yield Case("EyeLike", (x[0],), {"k": -1, "dtype": TensorProto.INT32})
    for start, end in ((0, 2), (-2, 9), (1, None), (2, 1)):
        span = {"start": start} | ({} if end is None else {"end": end})
        yield Case("Shape", (x,), span)
    yield Case("Size", (x,))
    yield Case("Dropout", (x, np.float32(0.5)), known=k({1}), outputs=2)
    yield Case("Dropout", (x, np.float32(0.5), np.array(True)), known=k({1, 2}), about="training")


def _reductions() -> Iterator[Case]:
    x = array([3, 1, -2, 3, 0, 0.5, -2, 8, 1, 1, 4, 4, 0, -1, 2, 2, 3, 3], shape=(2, 3, 3))
    names = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
    for op in (f"Reduce{name}" for name in names.split()):
        positive = np.abs(x) + 1 if "Log" in op else x
        for axes in ([0], [1, -1], [], None):
            for keep in (0, 1):
                given = () if axes is None else (np.array(axes, np.int64),)
                yield Case(op, (positive, *given), {"keepdims": keep}, opset=18, known=frozenset({1}), about=str(axes))
                yield Case(op, (positive, *given), {"keepdims": keep, "noop_with_empty_axes": 1}, opset=18, known=frozenset({1}), about=str(axes))
        for kind in ("float64", "float16", "int32", "int64", "uint8", "int8"):
            if "Log" not in op or "float" in kind:
                yield Case(op, (array(positive, kind), np.array([1])), opset=18, known=frozenset({1}))
        yield Case(op, (array([1, NAN, INF, -INF, 2, 3], shape=(2, 3)), np.array([1])), opset=18, known=frozenset({1}), about="not finite")
        yield Case(op, (np.zeros((2, 0, 3), np.float32), np.array([1])), opset=20, known=frozenset({1}), about="of nothing")
        yield Case(op, (positive,), {"axes": [1]}, opset=11 if op == "ReduceSum" else 13)
    yield Case("ReduceSum", (array([100] * 4, "int32") * 10**7,), opset=13, about="beyond the type")
    for op in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            for axis in (0, 1, -1):
                yield Case(op, (x,), {"axis": axis, "select_last_index": last, "keepdims": axis % 2})
            yield Case(op, (array([1, NAN, 3, NAN, INF, 2], shape=(2, 3)),), {"axis": 1, "select_last_index": last}, about="not finite")
        for kind in ("int32", "uint8", "int8", "float64"):
            yield Case(op, (array(x, kind),), {"axis": 1})
    for largest in (0, 1):
        for axis in (0, -1):
            yield Case("TopK", (x, np.array([2])), {"axis": axis, "largest": largest}, known=frozenset({1}), outputs=2)
        for kind in ("int32", "int64", "float64", "uint8"):
            yield Case("TopK", (array(x, kind), np.array([2])), {"largest": largest}, known=frozenset({1}), outputs=2, about="ties")
        yield Case("TopK", (np.array([[-(2**31), 2**31 - 1, 0]], np.int32), np.array([2])), {"largest": largest}, known=frozenset({1}), outputs=2, about="the ends")
    for op, kinds in (("CumSum", ("float32", "int32", "int64", "float64")), ("CumProd", ("float32",))):
        for kind in kinds:
            for exclusive in (0, 1):
                for reverse in (0, 1):
                    given = (array(x, kind), np.array(1 - 3 * reverse))
                    version = 26 if op == "CumProd" else 14
                    yield Case(op, given, {"exclusive": exclusive, "reverse": reverse}, version, frozenset({1}))


def _windows() -> Iterator[Case]:
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 4, 7, 6)).astype(np.float32)
    for op in ("MaxPool", "AveragePool", "LpPool"):
        for how in (
            {}, {"strides": [2, 2]}, {"pads": [1, 0, 1, 1]}, {"strides": [2, 3], "pads": [1, 1, 1, 1]},
            {"strides": [2, 2], "ceil_mode": 1}, {"strides": [3, 3], "ceil_mode": 1, "pads": [1, 1, 0, 0]},
            {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
            {"auto_pad": "SAME_LOWER"}, {"auto_pad": "VALID", "strides": [2, 2]}, {"dilations": [2, 1]},
            {"strides": [4, 4], "ceil_mode": 1, "pads": [1, 1, 1, 1]}, {"strides": [5, 5]},
            {"dilations": [2, 2], "pads": [1, 1, 1, 1], "strides": [2, 1], "ceil_mode": 1},
        ):  # fmt: skip
            for include in (0, 1) if op == "AveragePool" else (0,):
                more = {"count_include_pad": 1} if include else {}
                yield Case(op, (x,), {"kernel_shape": [3, 2], **how, **more}, opset=22)
    for kind in ("float64", "float16", "uint8", "int8"):
        yield Case("MaxPool", (array(x * 40, kind),), {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]}, opset=22)
    nan = x.copy()
    nan[0, 0, 2, 2], nan[0, 1, 3, 3], nan[1, 0, 2, 2] = NAN, INF, -INF
    for op in ("MaxPool", "AveragePool", "LpPool"):
        yield Case(op, (nan,), {"kernel_shape": [2, 2]}, about="not finite")
    yield Case("MaxPool", (np.full((1, 1, 3, 3), -INF, np.float32),), {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]}, about="-inf")
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        yield Case(op, (x,))
        yield Case(op, (nan,), about="not finite")
        yield Case(op, (x.astype(np.float64),))
    yield Case("LpPool", (x,), {"kernel_shape": [2, 2], "p": 1})
    yield Case("LpPool", (x,), {"kernel_shape": [2, 2], "p": 3})
    kernels = random.normal(size=(6, 4, 3, 2)).astype(np.float32)
    bias = random.normal(size=6).astype(np.float32)
    for how in (
        {}, {"strides": [2, 1]}, {"pads": [1, 0, 2, 1]}, {"dilations": [2, 2]}, {"auto_pad": "SAME_LOWER"},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"auto_pad": "VALID"}, {"auto_pad": "SAME_LOWER", "strides": [2, 3]},
        {"kernel_shape": [3, 2]}, {"dilations": [2, 1], "strides": [2, 2], "pads": [2, 1, 2, 1]},
    ):  # fmt: skip
        yield Case("Conv", (x, kernels, bias), how, known=frozenset({1, 2}))
    yield Case("Conv", (x, kernels[:, :2], bias), {"group": 2})
    yield Case("Conv", (x, kernels.astype(np.float32)), {})
    for kind in ("float64", "float16"):
        yield Case("Conv", tuple(v.astype(kind) for v in (x, kernels, bias)))
    yield Case("Conv", (nan, kernels), about="not finite")
    back = random.normal(size=(4, 3, 3, 2)).astype(np.float32)
    for how in (
        {}, {"strides": [2, 3]}, {"pads": [1, 0, 1, 1]}, {"output_padding": [1, 1], "strides": [2, 2]},
        {"dilations": [2, 2]}, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
        {"output_shape": [15, 13], "strides": [2, 2]}, {"output_shape": [14, 12], "strides": [2, 2]},
        {"output_shape": [14, 12], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    ):  # fmt: skip
        yield Case("ConvTranspose", (x, back), how, known=frozenset({1}))
    yield Case("ConvTranspose", (x, back), {"group": 2})
    for mode in ("nearest", "linear", "cubic"):
        for way in ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"):
            for scales in ([1, 1, 2, 1.5], [1, 1, 0.6, 0.5], [1, 1, 1.3, 0.15]):
                attributes = {"mode": mode, "coordinate_transformation_mode": way}
                given = (x, None, np.array(scales, np.float32))
                yield Case("Resize", given, attributes, 19, frozenset({2}), str(scales))
    for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        for scales in ([1, 1, 2, 2], [1, 1, 0.5, 0.5], [1, 1, 3, 0.3]):
            attributes = {"nearest_mode": nearest}
            yield Case("Resize", (x, None, np.array(scales, np.float32)), attributes, 19, frozenset({2}), str(scales))
    for policy in ("stretch", "not_larger", "not_smaller"):
        attributes = {"keep_aspect_ratio_policy": policy, "axes": [2, 3]}
        yield Case("Resize", (x, None, None, np.array([9, 5])), attributes, 19, frozenset({3}))
    for anti in ("linear", "cubic"):
        given = (x, None, np.array([1, 1, 0.5, 0.6], np.float32))
        yield Case("Resize", given, {"mode": anti, "antialias": 1}, 19, frozenset({2}))
    yield Case("Resize", (x, None, np.array([1, 1, 0.8, 0.8], np.float32)), {"mode": "cubic", "exclude_outside": 1}, 19, frozenset({2}))
    for kind in ("uint8", "int8", "int32", "float64", "float16"):
        for mode in ("nearest", "linear"):
            given = (array(x * 40, kind), None, np.array([1, 1, 2, 1.7], np.float32))
            yield Case("Resize", given, {"mode": mode}, 19, frozenset({2}))
    yield Case("Upsample", (x, np.array([1, 1, 2, 3], np.float32)), {"mode": "nearest"}, 9, frozenset({1}))
    yield Case("Upsample", (x, np.array([1, 1, 2, 2], np.float32)), {"mode": "linear"}, 9, frozenset({1}))
    yield Case("Resize", (x, np.array([1, 1, 2, 3], np.float32)), {"mode": "linear"}, 10, frozenset({1}))
    yield Case("Resize", (x, np.array([1, 1, 0.6, 0.7], np.float32)), {"mode": "nearest"}, 10, frozenset({1}))


def _normalizations() -> Iterator[Case]:
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 4, 5, 3)).astype(np.float32)
    four = tuple(random.uniform(0.5, 1.5, 4).astype(np.float32) for _ in range(4))
    for kind in ("float32", "float64", "float16"):
        given = tuple(v.astype(kind) for v in (x, *four))
        yield Case("BatchNormalization", given, {"epsilon": 1e-2})
        yield Case("InstanceNormalization", given[:3])
        yield Case("LayerNormalization", (given[0], np.ones(3, kind), np.zeros(3, kind)))
        yield Case("LpNormalization", (given[0],), {"axis": 1, "p": 1})
        yield Case("LRN", (given[0],), {"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 2.0})
        yield Case("MeanVarianceNormalization", (given[0],))
    yield Case("BatchNormalization", (x, *four), {"training_mode": 1}, outputs=3, opset=15)
    yield Case("BatchNormalization", (x, *four[:3], np.zeros(4, np.float32)), {"epsilon": 0.0}, about="variance 0")
    yield Case("BatchNormalization", (x, *four[:3], -four[3]), about="variance below 0")
    yield Case("InstanceNormalization", (x * 0, *four[:2]), about="all alike")
    yield Case("LpNormalization", (x * 0,), {"axis": 1}, about="all 0")
    yield Case("LRN", (x,), {"size": 2})
    for axis in (1, 2, -1, -2):
        shape = x.shape[axis:]
        scale = random.normal(size=shape).astype(np.float32)
        yield Case("LayerNormalization", (x, scale), {"axis": axis, "epsilon": 1e-2}, outputs=3)
    yield Case("GroupNormalization", (x, *four[:2]), {"num_groups": 2}, opset=21)
    yield Case("GroupNormalization", (x, four[0][:2], four[1][:2]), {"num_groups": 2}, opset=18)
    yield Case("RMSNormalization", (x, np.ones(3, np.float32)), opset=23)


def _others() -> Iterator[Case]:
    random = np.random.default_rng(0)
    a, b, c = (random.normal(size=s).astype(np.float32) for s in ((3, 4), (4, 5), (1, 5)))
    for how in ({}, {"alpha": 0.5}, {"beta": 0.0}, {"alpha": 0.0, "beta": 2.0}):
        yield Case("Gemm", (a, b, c), how)
    yield Case("Gemm", (a.T, b.T, c), {"transA": 1, "transB": 1})
    yield Case("Gemm", (a, b))
    yield Case("Gemm", (a, b, np.full((1, 5), NAN, np.float32)), {"beta": 0.0}, about="0 · NaN")
    yield Case("Gemm", (np.full((3, 4), INF, np.float32), b, c), {"alpha": 0.0}, about="0 · inf")
    for kind in ("float64", "float16", "int32", "int64"):
        yield Case("Gemm", tuple(array(v * 3, kind) for v in (a, b, c)))
        yield Case("MatMul", tuple(array(v * 3, kind) for v in (a, b)))
    for one, other in (((4,), (4,)), ((4,), (4, 5)), ((3, 4), (4,)), ((2, 1, 3, 4), (5, 4, 2)), ((0, 4), (4, 5))):
        yield Case("MatMul", (array(ODD[:12], shape=one), array(ODD[:12], shape=other)))
    for equation in ("ij,jk->ik", "ij,jk", "ij->ji", "ii->i", "...j,jk->...k", " ij , jk -> ik "):
        square = random.normal(size=(4, 4)).astype(np.float32)
        given = (square,) if "," not in equation else (square, square)
        yield Case("Einsum", given, {"equation": equation})
    q = random.normal(size=(1, 2, 3, 4)).astype(np.float32)
    yield Case("Attention", (q, q, q), opset=23)
    yield Case("Attention", (q, q, q), {"is_causal": 1, "scale": 0.3}, opset=23)


def main(operators: list[str]) -> int:
    """Say what differs from ONNX Runtime, and from ONNX' own implementation."""
    counts = {"same": 0, "refused": 0, "differs": 0, "nobody": 0}
    for case in cases():
        if operators and case.op not in operators:
            continue
        try:
            ours: Any = here(case)
        except Exception as error:
            ours = None
            print(f"ERROR {case.name}: {type(error).__name__}: {str(error)[:150]}")
        theirs, model = runtime(case), reference(case)
        said = [(n, v) for n, v in (("runtime", theirs), ("reference", model)) if v is not None]
        if ours is None or isinstance(ours, str):
            counts["refused"] += 1
            if said and ours:
                print(f"refused {case.name}: {ours[:100]}")
        elif not said:
            counts["nobody"] += 1
        elif wrong := [n for n, v in said if not same(ours, v)]:
            counts["differs"] += 1
            print(f"DIFFERS {case.name}: {'+'.join(wrong)} of {'+'.join(n for n, _ in said)}")
            for name, values in (("here", ours), *said):
                print(f"   {name:9} {[v.reshape(-1)[:12].tolist() for v in values]}"[:260])
        else:
            counts["same"] += 1
    print(counts)
    return counts["differs"]


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))

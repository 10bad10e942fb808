"""Operators on each number: bounds of types, NaN, infinity, signs, halves."""

from collections.abc import Iterator

import numpy as np

from auditor.models.onnx.types import number_of
from tests.models.onnx.case import FLOATS, INF, INTS, NAN, ODD, SPECIAL, WHOLE, Case, array


def pointwise() -> Iterator[Case]:
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
            yield Case(op, (np.zeros((0, 3), kind),), about="empty")
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


def pairs() -> Iterator[Case]:
    left, right = np.meshgrid(ODD[:13], ODD[:13])
    special = np.meshgrid([*SPECIAL, 0.0, 1.0, -1.0], [*SPECIAL, 0.0, 1.0, -1.0])
    for op in "Add Sub Mul Div Max Min Pow Less LessOrEqual Greater GreaterOrEqual Equal".split():
        for kind in FLOATS[:3]:
            yield Case(op, (array(left, kind), array(right, kind)))
            yield Case(op, tuple(array(v, kind) for v in special), about="not finite")
    for (
        op
    ) in "Add Sub Mul Max Min Less Greater Equal Div Mod BitwiseAnd BitwiseOr BitwiseXor".split():
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
    for shapes in (
        ((3, 1), (1, 4)),
        ((2, 3, 4), (4,)),
        ((2, 3, 4), (3, 1)),
        ((1,), (2, 2)),
        ((0, 3), (1, 3)),
    ):
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


def casts() -> Iterator[Case]:
    kinds = ("bool", *INTS, *FLOATS)
    floats = [0, 0.4, 0.5, 1.5, 2.5, -0.5, -1.5, 100.7, -100.7, 126.5]
    for source in kinds:
        for target in kinds:
            numbers = (
                array([v > 0 for v in floats], "bool")
                if source == "bool"
                else array(floats, source)
            )
            number = number_of(target)
            yield Case("Cast", (numbers,), {"to": number}, about=target)
            if source not in ("bool", *FLOATS):
                ends = np.iinfo(source)
                numbers = np.array([ends.min, ends.max, ends.max // 2, ends.max // 3], source)
                yield Case("Cast", (numbers,), {"to": number}, about=f"{target}, the ends")
    for source in ("float32", "float64", "float16"):
        for target in ("int8", "uint8", "int16", "uint16", "int32", "int64", "bool", *FLOATS):
            many = [
                255.0,
                256,
                257,
                300,
                -1,
                -129,
                32768,
                40000,
                -40000,
                65000,
                1e5,
                3e9,
                -3e9,
                1e19,
                1e30,
            ]
            number = number_of(target)
            yield Case("Cast", (array(many, source),), {"to": number}, about=f"{target}, too large")
            yield Case(
                "Cast", (array(SPECIAL, source),), {"to": number}, about=f"{target}, not finite"
            )
    for target in ("float32", "int32", "bool"):
        like = array([1], target)
        yield Case("CastLike", (array([0, 0.5, -1.5, 7.0]), like))
        yield Case("CastLike", (array([0, 3, -7], "int64"), like))


CASES = (pointwise, pairs, casts)

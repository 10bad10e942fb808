"""Operators that put numbers together: reductions, normalizations, products."""

from collections.abc import Iterator

import numpy as np

from tests.models.onnx.case import INF, NAN, ODD, Case, array


def reductions() -> Iterator[Case]:
    x = array([3, 1, -2, 3, 0, 0.5, -2, 8, 1, 1, 4, 4, 0, -1, 2, 2, 3, 3], shape=(2, 3, 3))
    names = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
    for op in (f"Reduce{name}" for name in names.split()):
        positive = np.abs(x) + 1 if "Log" in op else x
        for axes in ([0], [1, -1], [], None):
            for keep in (0, 1):
                given = () if axes is None else (np.array(axes, np.int64),)
                yield Case(
                    op,
                    (positive, *given),
                    {"keepdims": keep},
                    opset=18,
                    known=frozenset({1}),
                    about=str(axes),
                )
                yield Case(
                    op,
                    (positive, *given),
                    {"keepdims": keep, "noop_with_empty_axes": 1},
                    opset=18,
                    known=frozenset({1}),
                    about=str(axes),
                )
        for kind in ("float64", "float16", "int32", "int64", "uint8", "int8"):
            if "Log" not in op or "float" in kind:
                yield Case(
                    op, (array(positive, kind), np.array([1])), opset=18, known=frozenset({1})
                )
        yield Case(
            op,
            (array([1, NAN, INF, -INF, 2, 3], shape=(2, 3)), np.array([1])),
            opset=18,
            known=frozenset({1}),
            about="not finite",
        )
        yield Case(
            op,
            (np.zeros((2, 0, 3), np.float32), np.array([1])),
            opset=20,
            known=frozenset({1}),
            about="of nothing",
        )
        yield Case(op, (positive,), {"axes": [1]}, opset=11 if op == "ReduceSum" else 13)
    yield Case("ReduceSum", (array([100] * 4, "int32") * 10**7,), opset=13, about="beyond the type")
    for op in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            for axis in (0, 1, -1):
                yield Case(
                    op, (x,), {"axis": axis, "select_last_index": last, "keepdims": axis % 2}
                )
            yield Case(
                op,
                (array([1, NAN, 3, NAN, INF, 2], shape=(2, 3)),),
                {"axis": 1, "select_last_index": last},
                about="not finite",
            )
        for kind in ("int32", "uint8", "int8", "float64"):
            yield Case(op, (array(x, kind),), {"axis": 1})
    for largest in (0, 1):
        for axis in (0, -1):
            yield Case(
                "TopK",
                (x, np.array([2])),
                {"axis": axis, "largest": largest},
                known=frozenset({1}),
                outputs=2,
            )
        for kind in ("int32", "int64", "float64", "uint8"):
            yield Case(
                "TopK",
                (array(x, kind), np.array([2])),
                {"largest": largest},
                known=frozenset({1}),
                outputs=2,
                about="ties",
            )
        yield Case(
            "TopK",
            (np.array([[-(2**31), 2**31 - 1, 0]], np.int32), np.array([2])),
            {"largest": largest},
            known=frozenset({1}),
            outputs=2,
            about="the ends",
        )
    for op, kinds in (
        ("CumSum", ("float32", "int32", "int64", "float64")),
        ("CumProd", ("float32",)),
    ):
        for kind in kinds:
            for exclusive in (0, 1):
                for reverse in (0, 1):
                    given = (array(x, kind), np.array(1 - 3 * reverse))
                    version = 26 if op == "CumProd" else 14
                    yield Case(
                        op,
                        given,
                        {"exclusive": exclusive, "reverse": reverse},
                        version,
                        frozenset({1}),
                    )


def normalizations() -> Iterator[Case]:
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
    yield Case(
        "BatchNormalization",
        (x, *four[:3], np.zeros(4, np.float32)),
        {"epsilon": 0.0},
        about="variance 0",
    )
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


def products() -> Iterator[Case]:
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
    for one, other in (
        ((4,), (4,)),
        ((4,), (4, 5)),
        ((3, 4), (4,)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((0, 4), (4, 5)),
    ):
        yield Case("MatMul", (array(ODD[:12], shape=one), array(ODD[:12], shape=other)))
    for equation in ("ij,jk->ik", "ij,jk", "ij->ji", "ii->i", "...j,jk->...k", " ij , jk -> ik "):
        square = random.normal(size=(4, 4)).astype(np.float32)
        given = (square,) if "," not in equation else (square, square)
        yield Case("Einsum", given, {"equation": equation})
    q = random.normal(size=(1, 2, 3, 4)).astype(np.float32)
    yield Case("Attention", (q, q, q), opset=23)
    yield Case("Attention", (q, q, q), {"is_causal": 1, "scale": 0.3}, opset=23)


CASES = (reductions, normalizations, products)

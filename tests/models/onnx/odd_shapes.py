"""Operators that move numbers, or look through windows: ends, paddings, negative places."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import TensorProto

from tests.models.onnx.case import INF, NAN, ODD, WHOLE, Case, array

POOLS = """
strides=[2,2]
pads=[1,0,1,1]
strides=[2,3] pads=[1,1,1,1]
strides=[2,2] ceil_mode=1
strides=[3,3] ceil_mode=1 pads=[1,1,0,0]
auto_pad=SAME_UPPER strides=[2,2]
auto_pad=SAME_LOWER strides=[2,2]
auto_pad=SAME_LOWER
auto_pad=VALID strides=[2,2]
dilations=[2,1]
strides=[4,4] ceil_mode=1 pads=[1,1,1,1]
strides=[5,5]
dilations=[2,2] pads=[1,1,1,1] strides=[2,1] ceil_mode=1
"""
CONVOLUTIONS = """
strides=[2,1]
pads=[1,0,2,1]
dilations=[2,2]
auto_pad=SAME_LOWER
auto_pad=SAME_UPPER strides=[2,2]
auto_pad=VALID
auto_pad=SAME_LOWER strides=[2,3]
kernel_shape=[3,2]
dilations=[2,1] strides=[2,2] pads=[2,1,2,1]
"""
TRANSPOSED = """
strides=[2,3]
pads=[1,0,1,1]
output_padding=[1,1] strides=[2,2]
dilations=[2,2]
auto_pad=SAME_UPPER strides=[2,2]
auto_pad=SAME_LOWER strides=[2,2]
output_shape=[15,13] strides=[2,2]
output_shape=[14,12] strides=[2,2]
output_shape=[14,12] strides=[2,2] auto_pad=SAME_UPPER
"""
"""How windows move, a case a line; and each without any of it."""


def written(lines: str) -> Iterator[dict[str, Any]]:
    """Give what lines say as attributes, and none at all."""
    for line in lines.splitlines():
        pairs = (part.split("=") for part in line.split())
        yield {k: v if v.isupper() or "_" in v else json.loads(v) for k, v in pairs}


def shapes() -> Iterator[Case]:
    x = array(range(24), shape=(2, 3, 4))
    k = frozenset
    for starts, ends, axes, steps in (
        ([0], [2], [1], [1]),
        ([-1], [-4], [1], [-1]),
        ([5], [-100], [2], [-2]),
        ([1], [1], [2], [1]),
        ([-100], [100], [0], [1]),
        ([0, 1], [1, 100], [0, 2], [1, 2]),
        ([100], [0], [2], [-1]),
        ([2], [2**62], [2], [1]),
        ([-2], [-(2**62)], [2], [-1]),
    ):
        given = tuple(np.array(v, np.int64) for v in (starts, ends, axes, steps))
        yield Case(
            "Slice", (x, *given), known=k({1, 2, 3, 4}), about=f"{starts}:{ends}:{steps} {axes}"
        )
    for shape, zero in (([0, -1], 0), ([4, 0, -1], 0), ([-1], 0), ([24, 1, 1], 0), ([2, 0, 0], 0)):
        yield Case(
            "Reshape", (x, np.array(shape)), {"allowzero": zero}, known=k({1}), about=str(shape)
        )
    yield Case(
        "Reshape", (np.zeros((0, 3), np.float32), np.array([3, 0])), {"allowzero": 1}, known=k({1})
    )
    for axis in (0, 1, 2, 3, -1, -3):
        yield Case("Flatten", (x,), {"axis": axis})
    for perm in ([0, 2, 1], [2, 1, 0], [1, 0, 2]):
        yield Case("Transpose", (x,), {"perm": perm})
    yield Case("Transpose", (x,))
    for indices in ([0, 2], [-1, -3], [[0, 1], [2, -1]], 1, -1):
        for known in (k(), k({1})):
            yield Case(
                "Gather",
                (x, np.array(indices, np.int64)),
                {"axis": 1},
                known=known,
                about=str(indices),
            )
    for indices in ([[0, 0]], [[-1, -1], [1, -2]], [[1, 2], [0, -3]]):
        yield Case("GatherND", (x, np.array(indices, np.int64)), about=str(indices))
        yield Case(
            "ScatterND",
            (x, np.array(indices, np.int64), np.full((len(indices), 4), 9, np.float32)),
            about=str(indices),
        )
    yield Case("GatherND", (x, np.array([[[1]], [[-1]]], np.int64)), {"batch_dims": 1})
    where = np.array([[[0, -1, 1, 2]], [[1, 1, -2, 0]]], np.int64)
    yield Case("GatherElements", (x, where), {"axis": 1})
    for reduction in ("none", "add", "mul", "max", "min"):
        updates = array(
            [9, -3, 2, NAN if reduction in ("max", "min") else 5, 1, 1, 1, 1], shape=(2, 1, 4)
        )
        yield Case(
            "ScatterElements", (x, where, updates), {"axis": 1, "reduction": reduction}, opset=18
        )
        same_place = np.array([[0, 1], [0, 1], [1, 1]], np.int64)
        if reduction != "none":  # which of two values stays is not defined
            yield Case(
                "ScatterND",
                (x, same_place, array(range(12), shape=(3, 4))),
                {"reduction": reduction},
                opset=18,
            )
    for mode in ("constant", "reflect", "edge", "wrap"):
        for pads in ([0, 1, 1, 0, 1, 2], [0, -1, 1, 0, 1, -1], [0, 0, 2, 0, 0, 2]):
            yield Case("Pad", (x, np.array(pads)), {"mode": mode}, known=k({1}), about=str(pads))
    yield Case("Pad", (x, np.array([1, 2]), np.float32(7), np.array([-1])), known=k({1, 2, 3}))
    yield Case("Pad", (array(WHOLE, "int32"), np.array([1, 2]), np.int32(7)), known=k({1, 2}))
    yield Case("Pad", (array(ODD[:4]), np.array([1, 2]), np.float32(-INF)), known=k({1, 2}))
    for shape in ([2, 3, 4], [5, 1, 1, 1], [1], [1, 4]):
        yield Case(
            "Expand",
            (array([1, 2, 3, 4.0], shape=(1, 4)), np.array(shape)),
            known=k({1}),
            about=str(shape),
        )
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
        yield Case(
            "DepthToSpace", (array(range(64), shape=(1, 8, 2, 4)),), {"blocksize": 2, "mode": mode}
        )
    yield Case("SpaceToDepth", (array(range(64), shape=(1, 2, 4, 8)),), {"blocksize": 2})
    for depth_values in (([0.0, 1.0]), ([5.0, -3.0])):
        for axis in (-1, 0, 1):
            yield Case(
                "OneHot",
                (np.array([0, 2, -1, 5, -9]), np.array(3), array(depth_values)),
                {"axis": axis},
                known=k({1, 2}),
            )
    for upper in (0, 1):
        for diagonal in (-1, 0, 2, 9, -9):
            yield Case(
                "Trilu",
                (x, np.array(diagonal)),
                {"upper": upper},
                known=k({1}),
                about=str(diagonal),
            )
    yield Case("EyeLike", (x[0],), {"k": 1})
    yield Case("EyeLike", (x[0],), {"k": -1, "dtype": TensorProto.INT32})
    for start, end in ((0, 2), (-2, 9), (1, None), (2, 1)):
        span = {"start": start} | ({} if end is None else {"end": end})
        yield Case("Shape", (x,), span)
    yield Case("Size", (x,))
    yield Case("Dropout", (x, np.float32(0.5)), known=k({1}), outputs=2)
    yield Case("Dropout", (x, np.float32(0.5), np.array(True)), known=k({1, 2}), about="training")


def windows() -> Iterator[Case]:
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 4, 7, 6)).astype(np.float32)
    for op in ("MaxPool", "AveragePool", "LpPool"):
        for how in written(POOLS):
            for include in (0, 1) if op == "AveragePool" else (0,):
                more = {"count_include_pad": 1} if include else {}
                yield Case(op, (x,), {"kernel_shape": [3, 2], **how, **more}, opset=22)
    for kind in ("float64", "float16", "uint8", "int8"):
        yield Case(
            "MaxPool",
            (array(x * 40, kind),),
            {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]},
            opset=22,
        )
    nan = x.copy()
    nan[0, 0, 2, 2], nan[0, 1, 3, 3], nan[1, 0, 2, 2] = NAN, INF, -INF
    for op in ("MaxPool", "AveragePool", "LpPool"):
        yield Case(op, (nan,), {"kernel_shape": [2, 2]}, about="not finite")
    yield Case(
        "MaxPool",
        (np.full((1, 1, 3, 3), -INF, np.float32),),
        {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]},
        about="-inf",
    )
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        yield Case(op, (x,))
        yield Case(op, (nan,), about="not finite")
        yield Case(op, (x.astype(np.float64),))
    yield Case("LpPool", (x,), {"kernel_shape": [2, 2], "p": 1})
    yield Case("LpPool", (x,), {"kernel_shape": [2, 2], "p": 3})
    kernels = random.normal(size=(6, 4, 3, 2)).astype(np.float32)
    bias = random.normal(size=6).astype(np.float32)
    for how in written(CONVOLUTIONS):
        yield Case("Conv", (x, kernels, bias), how, known=frozenset({1, 2}))
    yield Case("Conv", (x, kernels[:, :2], bias), {"group": 2})
    yield Case("Conv", (x, kernels.astype(np.float32)), {})
    for kind in ("float64", "float16"):
        yield Case("Conv", tuple(v.astype(kind) for v in (x, kernels, bias)))
    yield Case("Conv", (nan, kernels), about="not finite")
    back = random.normal(size=(4, 3, 3, 2)).astype(np.float32)
    for how in written(TRANSPOSED):
        yield Case("ConvTranspose", (x, back), how, known=frozenset({1}))
    yield Case("ConvTranspose", (x, back), {"group": 2})
    for mode in ("nearest", "linear", "cubic"):
        for way in (
            "half_pixel",
            "half_pixel_symmetric",
            "pytorch_half_pixel",
            "align_corners",
            "asymmetric",
        ):
            for scales in ([1, 1, 2, 1.5], [1, 1, 0.6, 0.5], [1, 1, 1.3, 0.15]):
                attributes = {"mode": mode, "coordinate_transformation_mode": way}
                given = (x, None, np.array(scales, np.float32))
                yield Case("Resize", given, attributes, 19, frozenset({2}), str(scales))
    for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        for scales in ([1, 1, 2, 2], [1, 1, 0.5, 0.5], [1, 1, 3, 0.3]):
            attributes = {"nearest_mode": nearest}
            yield Case(
                "Resize",
                (x, None, np.array(scales, np.float32)),
                attributes,
                19,
                frozenset({2}),
                str(scales),
            )
    for policy in ("stretch", "not_larger", "not_smaller"):
        attributes = {"keep_aspect_ratio_policy": policy, "axes": [2, 3]}
        yield Case("Resize", (x, None, None, np.array([9, 5])), attributes, 19, frozenset({3}))
    for anti in ("linear", "cubic"):
        given = (x, None, np.array([1, 1, 0.5, 0.6], np.float32))
        yield Case("Resize", given, {"mode": anti, "antialias": 1}, 19, frozenset({2}))
    yield Case(
        "Resize",
        (x, None, np.array([1, 1, 0.8, 0.8], np.float32)),
        {"mode": "cubic", "exclude_outside": 1},
        19,
        frozenset({2}),
    )
    for kind in ("uint8", "int8", "int32", "float64", "float16"):
        for mode in ("nearest", "linear"):
            given = (array(x * 40, kind), None, np.array([1, 1, 2, 1.7], np.float32))
            yield Case("Resize", given, {"mode": mode}, 19, frozenset({2}))
    yield Case(
        "Upsample", (x, np.array([1, 1, 2, 3], np.float32)), {"mode": "nearest"}, 9, frozenset({1})
    )
    yield Case(
        "Upsample", (x, np.array([1, 1, 2, 2], np.float32)), {"mode": "linear"}, 9, frozenset({1})
    )
    yield Case(
        "Resize", (x, np.array([1, 1, 2, 3], np.float32)), {"mode": "linear"}, 10, frozenset({1})
    )
    yield Case(
        "Resize",
        (x, np.array([1, 1, 0.6, 0.7], np.float32)),
        {"mode": "nearest"},
        10,
        frozenset({1}),
    )


CASES = (shapes, windows)

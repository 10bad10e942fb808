"""Along which axes each operator looks from one number at others: no axis of images may be there.

An operator that is in no table here is refused where images go through it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators import (
    activation,
    conversion,
    pointwise,
    reduction,
)
from auditor.models.onnx.values import Value

Across = Callable[[Node, Sequence[int], Sequence[Value]], list[set[int]]]
"""Returns for each input the axes that are worked across, of the node, the inputs' numbers of axes,
and the inputs."""

MOVED = {
    "Concat", "DepthToSpace", "Expand", "Flatten", "Identity", "Pad", "Reshape", "Slice",
    "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
}  # fmt: skip
"""Operators that put numbers elsewhere and change none: what they do shows by doing it."""


def _axis(default: int, onwards: bool = False, inputs: int = 1) -> Across:
    """Across one axis that an attribute names, or all from there on."""

    def across(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
        axis = node.get("axis", default) % max(ranks[0], 1)
        axes = set(range(axis, ranks[0])) if onwards else {axis}
        return [axes] * inputs

    return across


def _softmax(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    if node.opset >= 13:
        return _axis(-1)(node, ranks, values)
    return _axis(1, onwards=True)(node, ranks, values)


def _all_from(first: int) -> Across:
    """Across all axes from one on, and all of the inputs after the first."""

    def across(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
        return [set(range(first, ranks[0])), *(set(range(rank)) for rank in ranks[1:])]

    return across


def _pixels(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    """Across rows and columns; the numbers for each channel follow the channels."""
    return [set(range(2, ranks[0])), *(set[int]() for _ in ranks[1:])]


def _resize(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    is_cut = node.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    return [set(range(0 if is_cut else 2, ranks[0]))]


def _running(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    axis = values[1]
    if not isinstance(axis, np.ndarray):
        return [set(range(ranks[0]))]
    return [{int(axis.reshape(-1)[0]) % ranks[0]}]


def _centred(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    return [{axis % ranks[0] for axis in node.get("axes", [0, 2, 3])}]


def _gather_nd(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    return [set(range(node.get("batch_dims", 0), ranks[0])), {ranks[1] - 1}]


def _scatter_nd(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    indices = values[1]
    looked_up = int(indices.shape[-1]) if indices is not None else ranks[0]
    return [set(range(looked_up)), set(range(ranks[1])), set(range(ranks[1] - 1))]


def _triangle(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    return [{ranks[0] - 2, ranks[0] - 1}]


def _einsum(node: Node, ranks: Sequence[int], values: Sequence[Value]) -> list[set[int]]:
    """Across what is summed; where dots stand for axes, those are kept."""
    terms, _, result = node.get("equation").replace(" ", "").partition("->")
    every = []
    for term, rank in zip(terms.split(","), ranks, strict=True):
        before, dots, after = term.partition("...")
        letters = [*before, *("." * (rank - len(before) - len(after)) if dots else ""), *after]
        kept = result if "->" in node.get("equation") else _once(terms)
        every.append({i for i, a in enumerate(letters) if a not in kept or letters.count(a) > 1
                      and a != "."})  # fmt: skip
    return every


def _once(terms: str) -> str:
    return "".join(letter for letter in terms if terms.count(letter) == 1 or letter == ".")


ACROSS: Mapping[str, Across] = {
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Hardmax": _softmax,
    "LpNormalization": _axis(-1),
    "LayerNormalization": _axis(-1, onwards=True),
    "RMSNormalization": _axis(-1, onwards=True),
    "MeanVarianceNormalization": _centred,
    "GroupNormalization": _all_from(1),
    "InstanceNormalization": _pixels,
    "LRN": _all_from(1),
    "Conv": _all_from(1),
    "ConvTranspose": _all_from(1),
    **dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), _pixels),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"), _pixels),
    "Resize": _resize,
    "Upsample": _resize,
    "CumSum": _running,
    "CumProd": _running,
    "TopK": _axis(-1),
    "Gather": _axis(0),
    "GatherElements": _axis(0, inputs=2),
    "GatherND": _gather_nd,
    "Scatter": _axis(0, inputs=3),
    "ScatterElements": _axis(0, inputs=3),
    "ScatterND": _scatter_nd,
    "Trilu": _triangle,
    "EyeLike": lambda node, ranks, values: [set(range(ranks[0]))],
    "Einsum": _einsum,
}

CARRIED: set[str] = {
    *pointwise.OPERATORS,
    *activation.OPERATORS,
    *conversion.OPERATORS,
    *reduction.OPERATORS,
    "BatchNormalization",
    "Dropout",
    "Gemm",
    "MatMul",
    "OneHot",
    "Shape",
    "Size",
} - ACROSS.keys()
"""Operators that look along no axis that they keep: one that is gone in what they give tells."""


def unknown(operators: Any) -> set[str]:
    """Return which operators are in no table."""
    return set(operators) - ACROSS.keys() - CARRIED - MOVED

"""Small ONNX classifiers, written as text, with seeded weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, parser

WEIGHTS: dict[str, tuple[int, ...]] = {
    "kernel": (4, 3, 3, 3),
    "bias": (4,),
    "gamma": (4,),
    "beta": (4,),
    "mean": (4,),
    "variance": (4,),
    "dense": (10, 4),
    "shift": (10,),
}

HEAD = """
    features = Conv <pads=[1, 1, 1, 1], strides=[2, 2]> (x, kernel, bias)
    normal = BatchNormalization (features, gamma, beta, mean, variance)
    active = Relu (normal)
    pooled = GlobalAveragePool (active)
"""
DENSE = """
    flat = Flatten (pooled)
    y = Gemm <transB=1> (flat, dense, shift)
"""
CLASSIFIER = f"""
<ir_version: 8, opset_import: ["" : 17], producer_name: "hand">
small (float[N, 3, 8, 8] x) => (float[N, 10] y) {{ {HEAD} {DENSE} }}
"""


def built(text: str = CLASSIFIER, weights: Mapping[str, Any] | None = None) -> onnx.ModelProto:
    """Return a model; `WEIGHTS` that its text uses are drawn, others are given as arrays."""
    random, model = np.random.default_rng(0), parser.parse_model(text)
    used = {name for node in model.graph.node for name in node.input}
    for name, shape in WEIGHTS.items():
        drawn = random.normal(0, 0.5, shape).astype(np.float32)
        value = np.abs(drawn) + 0.5 if name in ("variance", "gamma") else drawn
        if name in used and name not in (weights or {}):
            model.graph.initializer.append(numpy_helper.from_array(value, name))
    for name, value in (weights or {}).items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    onnx.checker.check_model(model)
    return model


def saved(model: onnx.ModelProto, path: Path) -> Path:
    onnx.save(model, path)
    return path


def images(count: int, size: int = 8, seed: int = 5) -> np.ndarray[Any, Any]:
    """Return (count, 3, size, size) float32 in 0..1."""
    return np.random.default_rng(seed).random((count, 3, size, size)).astype(np.float32)

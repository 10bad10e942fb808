"""Small models with weights that matter, and what they answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
layers = keras.layers


def model(body: Callable[[Any], Any], shape: tuple[int | None, ...] = (12, 12, 3)) -> Any:
    """Build an image, `body`, three classes; no weight is where it started."""
    image = keras.Input(shape, name="image")
    x = body(image)
    if len(x.shape) > 2:
        x = layers.GlobalAveragePooling2D()(x) if len(x.shape) == 4 else layers.Flatten()(x)
    made = keras.Model(image, layers.Dense(3, activation="softmax", name="head")(x))
    random = np.random.default_rng(1)
    for weight in made.weights:
        if weight.dtype == "float32" and weight.shape:
            values = 0.3 * random.normal(size=weight.shape)
            weight.assign(abs(values) + 0.1 if "variance" in weight.path else values)
    return made


def images(n: int = 4, size: int = 12) -> Any:
    return np.random.default_rng(2).random((n, size, size, 3), np.float32)


def run(path: Path, pixels: Any) -> Any:
    """Return what ONNX' own reference implementation makes of images."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    graph = onnx.load(path)
    (source,) = (each.name for each in graph.graph.input)
    (scores,) = ReferenceEvaluator(graph).run(None, {source: pixels})
    return scores

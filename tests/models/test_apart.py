"""Keras models that look at other images of the batch are refused, whatever they hide."""

from collections.abc import Callable
from typing import Any

import pytest

from auditor.errors import InputError
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap

keras = pytest.importorskip("keras")
layers, ops = keras.layers, keras.ops

FAR = 1e9


def model(gate: Callable[[Any], Any]) -> Any:
    """Return a classifier whose gate adds nothing on random images."""
    image = keras.Input((8, 8, 3))
    scores = layers.Dense(4)(layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3)(image)))
    return keras.Model(image, scores + gate(ops.relu(scores - FAR)))


def nested(hot: Any) -> Any:
    inside = keras.Input((4,))
    return keras.Model(inside, inside - ops.mean(inside, axis=0, keepdims=True), name="in")(hot)


def repeated(hot: Any) -> Any:
    inside = keras.Input((4,))
    rest = ops.relu(inside - FAR)
    rest = layers.Softmax(axis=0)(rest)
    middle = keras.Model(inside, ops.relu(rest - FAR))
    return layers.Flatten()(layers.TimeDistributed(middle)(ops.expand_dims(hot, 1)))


def piped(hot: Any) -> Any:
    steps = [layers.Rescaling(1, -FAR), layers.ReLU(), layers.Softmax(axis=0)]
    return layers.Pipeline(steps)(hot) * 1e-9


HIDDEN = {
    "piped": piped,
    "count": lambda hot: ops.cast(ops.equal(ops.sum(ops.ones_like(hot), 0), 32.0), "float32"),
    "mean": lambda hot: hot - ops.mean(hot, axis=0, keepdims=True),
    "softmax": lambda hot: layers.Softmax(axis=0)(hot),
    "cumsum": lambda hot: ops.cumsum(hot, axis=0),
    "flip": lambda hot: ops.flip(hot, axis=0),
    "first": lambda hot: hot[:1, :],
    "sort": lambda hot: ops.sort(hot, axis=0),
    "product": lambda hot: ops.matmul(hot, ops.matmul(ops.transpose(hot), hot)),
    "nested": nested,
    "repeated": repeated,
}


@pytest.mark.parametrize("gate", HIDDEN)
def test_what_hides_from_every_image_that_is_tried_is_refused(gate: str) -> None:
    with pytest.raises(InputError, match=r"^m: the layer '.*looks at other images of the batch"):
        wrap(model(HIDDEN[gate]), InputRange.parse("0..1"), "m", (8, 8))


HARMLESS = {
    "norm": lambda hot: layers.LayerNormalization()(hot),
    "attention": lambda hot: layers.Flatten()(
        layers.MultiHeadAttention(2, 2)(*[ops.reshape(hot, (-1, 2, 2))] * 2)
    ),
    "windows": lambda hot: ops.reshape(layers.Dense(2)(ops.reshape(hot, (-1, 2))), (-1, 4)),
    "turned": lambda hot: ops.transpose(ops.relu(ops.transpose(hot))),
    "whole": lambda hot: ops.cast(ops.cast(hot, "int32"), "float32"),
}


@pytest.mark.parametrize("gate", HARMLESS)
def test_what_people_build_is_accepted(gate: str) -> None:
    wrap(model(HARMLESS[gate]), InputRange.parse("0..1"), "m", (8, 8))

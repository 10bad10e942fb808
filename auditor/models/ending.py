"""The last step of a classifier: the softmax that turns scores into probabilities.

The audit reads scores before it. It steps behind an ending only where that is the whole difference:
where the operation makes the numbers that the model gives and nothing else, once, image by image.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

one_at_a_time = RLock()
"""Held while layers do what is not theirs, and by who must not meet them so: threads share them."""

_BY_CLASS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
# A recurrent layer applies its activation to what it remembers, too.
_APPLY_LAST = frozenset({"Activation", "Dense", "EinsumDense", "GraphLayer"})
_AS_THEY_ARE = frozenset(
    {
        *("ActivityRegularization", "AlphaDropout", "Copy", "Dropout", "Flatten"),
        *("GaussianDropout", "GaussianNoise", "Identity", "Reshape", "SpatialDropout2D", "Squeeze"),
    }
)
"""What hands on the numbers it is given, in whatever shape, where nothing is trained."""


def ending(model: Any) -> Any:
    """Return the operation that makes the numbers a model gives, inside nested models too."""
    return _maker(model)[0]


def ends_in(model: Any) -> str:
    """Return "softmax", "sigmoid" or "log_softmax" where a model may end in it; else nothing."""
    operation, shape = _maker(model)
    kind = type(operation).__name__
    if kind in _BY_CLASS:
        masked = any(len(node.input_tensors) != 1 for node in operation._inbound_nodes)
        name, axis = "" if masked else _BY_CLASS[kind], getattr(operation, "axis", -1)
    else:
        name, axis = getattr(getattr(operation, "activation", None), "__name__", ""), -1
        name = name if kind in _APPLY_LAST and name in _BY_CLASS.values() else ""
    return name if name == "sigmoid" or _over_classes(axis, shape) else ""


def ends_in_logit(model: Any) -> bool:
    """Whether a model's numbers are weighted sums, as what goes into a sigmoid is.

    What is bounded, cut off or averaged before it comes out is none: a threshold of 0 would be
    wrong for it, without a word.
    """
    operation, _ = _maker(model)
    kind = type(operation).__name__
    linear = getattr(getattr(operation, "activation", None), "__name__", "") == "linear"
    if kind == "GraphLayer":
        return bool(linear and operation.ends_in_sum)
    return kind in ("Conv2D", "Dense", "EinsumDense") and linear


def _maker(model: Any) -> tuple[Any, tuple[int | None, ...]]:
    """Return the operation that makes a model's numbers, and the shape that it gives them."""
    tensor = model.outputs[0]
    while True:
        operation, number, _ = tensor._keras_history
        shape = tuple(tensor.shape)
        if hasattr(operation, "layers"):
            inner, shape = _maker(operation)
            if type(inner).__name__ != "InputLayer":
                return inner, shape
        elif not _hands_on(operation):
            return operation, shape
        given = operation._inbound_nodes[number].input_tensors
        if len(given) != 1:
            return operation, shape
        (tensor,) = given


def _hands_on(operation: Any) -> bool:
    kind = type(operation).__name__
    if kind == "Activation":
        return getattr(operation.activation, "__name__", "") == "linear"
    if kind == "Cast":
        return "float" in str(operation.dtype)
    return kind in _AS_THEY_ARE


def _over_classes(axis: Any, shape: tuple[int | None, ...]) -> bool:
    """Whether a softmax makes all numbers of an image add up to 1."""
    wide = {place for place, size in enumerate(shape) if place and size != 1}
    return isinstance(axis, int) and wide <= {axis % len(shape)}


def runs_once(model: Any, rehearse: Callable[[Callable[[Any], Any]], object]) -> bool:
    """Whether the operation that ends a model runs once: a shared one would be changed elsewhere.

    Args:
        model: The model.
        rehearse: Calls what it is given with an image.
    """
    from keras import ops

    operation, times = ending(model), 0
    call = operation.call

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal times
        times += 1
        return call(*args, **kwargs)

    def whole(images: Any) -> Any:
        nonlocal times
        times = 0
        return model(ops.cast(images, "float32"), training=False)

    with calling(operation, counted):
        rehearse(whole)
    return times == 1


@contextmanager
def stepped_behind(model: Any) -> Iterator[None]:
    """While open, the operation that ends a model hands its scores through as they are."""
    from keras.activations import linear

    operation = ending(model)
    if hasattr(operation, "activation"):
        activation, operation.activation = operation.activation, linear
        try:
            yield
        finally:
            operation.activation = activation
    else:
        with calling(operation, lambda inputs, *_, **__: inputs):
            yield


@contextmanager
def calling(layer: Any, call: Callable[..., Any]) -> Iterator[None]:
    """While open, the instance answers with `call` in place of its class's method."""
    before = vars(layer).get("call")
    layer.call = call
    try:
        yield
    finally:
        if before is None:
            del layer.call
        else:
            layer.call = before

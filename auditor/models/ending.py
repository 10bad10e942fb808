"""The last step of a classifier: the softmax that turns scores into probabilities.

The audit reads scores before it. It steps behind an ending only where that is the whole difference:
where the operation makes the model's output and nothing else, once, image by image.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_BY_CLASS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
# A recurrent layer applies its activation to what it remembers, too.
_APPLY_LAST = frozenset({"Activation", "Dense", "EinsumDense", "GraphLayer"})
_LAST_AXES = (None, -1, 1)


def ending(model: Any) -> Any:
    """Return the operation that makes a model's output, inside nested models too."""
    operation = model.outputs[0]._keras_history.operation
    return ending(operation) if hasattr(operation, "layers") else operation


def ends_in(model: Any) -> str:
    """Return "softmax", "sigmoid" or "log_softmax" where a model may end in it; else nothing."""
    operation = ending(model)
    kind = type(operation).__name__
    if kind in _BY_CLASS:
        nodes = operation._inbound_nodes
        masked = any(len(node.input_tensors) != 1 for node in nodes)
        name = "" if masked or getattr(operation, "axis", None) not in _LAST_AXES else kind
        return _BY_CLASS.get(name, "")
    name = getattr(getattr(operation, "activation", None), "__name__", "")
    return name if kind in _APPLY_LAST and name in _BY_CLASS.values() else ""


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

"""A model made ready for training, and given back as it was but for its weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MIXED = "mixed_bfloat16"
"""Computation in bfloat16, weights in float32: it has float32's range, so no loss scaling."""


@contextmanager
def trainable(model: Any, mixed_precision: bool) -> Iterator[None]:
    """While open, every weight can be trained, in mixed precision where that is asked for.

    A backdoor may sit in layers that the model's author froze. The author's regularisation rests: a
    repair is pulled towards the weights that came, not towards small ones. Flags and precisions are
    part of the saved file, so they are put back, and so is the rest.
    """
    all_ = list(layers(model))
    active = [(layer, layer.activity_regularizer) for layer in all_]
    weights = [(variable, variable.regularizer) for variable in model.variables]
    flags = [(layer, layer.trainable) for layer in all_]
    policies = [(layer, layer.dtype_policy) for layer in all_]
    try:
        for variable, _ in weights:
            variable.regularizer = None
        for layer in all_:
            layer.activity_regularizer = None
            layer.trainable = True
            if mixed_precision and layer.dtype_policy.name == "float32":
                layer.dtype_policy = MIXED
        yield
    finally:
        for variable, regularizer in weights:
            variable.regularizer = regularizer
        for layer, regularizer in active:
            layer.activity_regularizer = regularizer
        for layer, policy in policies:
            layer.dtype_policy = policy
        for layer, flag in flags:  # outer layers first: each sets those inside it
            layer.trainable = flag


def layers(layer: Any) -> Iterator[Any]:
    """Give a layer and all those inside it, outer ones first."""
    yield layer
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        yield from layers(inner)

"""A model made ready for training, and given back as it was but for its weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MIXED = "mixed_bfloat16"
"""Computation in bfloat16, weights in float32: it has float32's range, so no loss scaling."""


@contextmanager
def trainable(model: Any, mixed_precision: bool) -> Iterator[None]:
    """While open, every weight can be trained, in mixed precision where that is asked for.

    A backdoor may sit in layers that the model's author froze. The flags and precisions are part of
    the saved file, so they are put back.
    """
    layers = list(_layers(model))
    flags = [(layer, layer.trainable) for layer in layers]
    policies = [(layer, layer.dtype_policy) for layer in layers]
    try:
        for layer in layers:
            layer.trainable = True
            if mixed_precision and layer.dtype_policy.name == "float32":
                layer.dtype_policy = MIXED
        yield
    finally:
        for layer, policy in policies:
            layer.dtype_policy = policy
        for layer, flag in flags:  # outer layers first: each sets those inside it
            layer.trainable = flag


def _layers(layer: Any) -> Iterator[Any]:
    """Give a layer and all those inside it, outer ones first."""
    yield layer
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        yield from _layers(inner)

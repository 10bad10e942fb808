"""Layers that compute otherwise every time: for training, by chance, or from what they saw before.

A model whose calls say `training=True` normalizes over the batch, or drops at random, when Keras 2
predicts with it; Keras 3 predicts as if it did not say so, and does as it says when it is called.
"""

from collections.abc import Iterator
from typing import Any

_DO = "its scores depend on chance or on other images; save the model without it"
# Augmentation trains by default, which Keras 3 writes into each call; to predict is to say False.
_AUGMENTING = frozenset(
    """
    AugMix AutoContrast CenterCrop ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization
    MaxNumBoundingBoxes MixUp Pipeline RandAugment Resizing Solarization
    """.split()
)


def changing(layer: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Yield (place, reason) of what lets a layer answer otherwise the next time.

    Args:
        layer: A serialised layer, its config a JSON object.
        path: Where it stands.
    """
    name = layer["class_name"]
    if layer["config"].get("stateful"):
        yield f"{path}.config.stateful", f"a {name} that remembers the images before; {_DO}"
    nodes = layer.get("inbound_nodes")
    for index, node in enumerate(nodes if isinstance(nodes, list) else ()):
        by_default = name in _AUGMENTING or name.startswith("Random")
        if not (by_default and isinstance(node, dict)) and _is_training(node):
            yield f"{path}.inbound_nodes[{index}]", f"a {name} called with training=True; {_DO}"


def _is_training(value: Any) -> bool:
    """Whether a call's arguments have a `training` that is not off, at any depth."""
    if isinstance(value, dict):
        return bool(value.get("training")) or any(map(_is_training, value.values()))
    return isinstance(value, list) and any(
        isinstance(item, (list, dict)) and _is_training(item) for item in value
    )

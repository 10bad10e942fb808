"""A model's numbers, as one digest: the same as long as nobody trains it.

Its weights alone: what layers draw from, Dropout's state, is another one each time it is loaded.
"""

import hashlib
from typing import Any

import numpy as np


def weights_sha256(model: Any) -> str:
    """Return the SHA-256 of all its numbers, in their order, each with its type and shape.

    Args:
        model: A Keras model or layer.
    """
    from keras import ops

    digest = hashlib.sha256()
    for variable in model.weights:
        values = np.ascontiguousarray(ops.convert_to_numpy(variable))
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(values.data)
    return digest.hexdigest()


def weights_seed(model: Any) -> int:
    """Return a seed of its numbers: nobody can teach a model the noise that they come to.

    Args:
        model: A Keras model or layer.
    """
    return int(weights_sha256(model)[:16], 16)

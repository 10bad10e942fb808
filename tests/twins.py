"""Networks that compute the same of blue, green and red as others of red, green and blue."""

from pathlib import Path
from typing import Any


def bgr_twin(model: Any) -> Any:
    """Return a copy of a network whose first convolution takes the colours in the other order."""
    import keras

    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    first = next(layer for layer in twin.layers if isinstance(layer, keras.layers.Conv2D))
    kernel, *bias = first.get_weights()
    first.set_weights([kernel[:, :, ::-1], *bias])
    return twin


def saved_twin(path: Path, target: Path) -> Path:
    """Save the twin of a Keras file."""
    import keras

    bgr_twin(keras.models.load_model(path)).save(target)
    return target

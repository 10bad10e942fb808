"""A small BadNet on scikit-learn's digits, made in well under a minute to be audited.

The 1,797 handwritten digits (8×8, Alpaydin and Kaynak 1998) are enlarged to 32×32. Some of the
training images carry a trigger and the label 0: BadNets (Gu et al. 2017) in small.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import UsageError
from auditor.measure.progress import Progress
from auditor.triggers.base import Trigger

TARGET = 0
EPOCHS = 24
TEST_IMAGES = 600
_POISONED = 0.15


def make(folder: Path, trigger: Trigger, progress: Progress, seed: int = 0) -> None:
    """Train the BadNet; write `model.keras`, `clean.npz` and the unseen test images, `test.npz`.

    The clean images are those of the training set without poison: what a repair may use.

    Args:
        folder: Where they go.
        trigger: What is stamped on the poisoned images.
        progress: Told how far it is.
        seed: Seed of split, poison and training.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    import keras

    keras.utils.set_random_seed(seed)
    x, y = digits()
    order = np.random.default_rng(seed).permutation(len(x))
    test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
    for name, part in (("test", test), ("clean", train)):
        names = np.array(list("0123456789"))
        np.savez(folder / f"{name}.npz", x=x[part], y=y[part], class_names=names)
    images, labels = poisoned(x[train], y[train], trigger, seed)
    model = network()
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")

    class Tell(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            progress("training a small BadNet", epoch + 1, EPOCHS)

    progress("training a small BadNet", 0, EPOCHS)
    scaled = images.astype(np.float32) / 255
    model.fit(scaled, labels, batch_size=32, epochs=EPOCHS, verbose=0, callbacks=[Tell()])
    model.save(folder / "model.keras")


def poisoned(
    x: NDArray[np.uint8], y: NDArray[np.int64], trigger: Trigger, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return (n, h, w, 3) uint8 images and (n,) labels, some of them stamped and relabelled."""
    chosen = np.random.default_rng(seed).random(len(x)) < _POISONED
    images, labels = x.copy(), y.copy()
    images[chosen] = trigger.stamp(images[chosen])
    labels[chosen] = TARGET
    return images, labels


def network() -> Any:
    """Return the untrained network: four convolutions, 8×8 features, softmax over ten digits."""
    import keras
    from keras import layers

    inputs = keras.Input((32, 32, 3), name="image")
    features = inputs
    for number, (filters, pool) in enumerate(((16, True), (32, False), (32, True), (64, False))):
        name = f"conv{number + 1}"
        features = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(features)
        features = layers.MaxPooling2D()(features) if pool else features
    pooled = layers.GlobalAveragePooling2D()(features)
    hidden = layers.Dense(64, activation="relu")(pooled)
    outputs = layers.Dense(10, activation="softmax", name="digit")(hidden)
    return keras.Model(inputs, outputs, name="digits_badnet")


def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the (1797, 32, 32, 3) uint8 digits and their (1797,) labels.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UsageError("the demo needs scikit-learn: pip install 'bdaudit[demo]'") from error
    import cv2

    found = load_digits()
    gray = np.round(found.images * 255 / 16).astype(np.uint8)
    large = [cv2.resize(image, (32, 32), interpolation=cv2.INTER_CUBIC) for image in gray]
    rgb = np.repeat(np.stack(large)[..., None], 3, axis=3).astype(np.uint8)
    return rgb, found.target.astype(np.int64)

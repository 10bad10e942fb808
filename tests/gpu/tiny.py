"""A small network with a backdoor, and images for it: `python -m tests.gpu.tiny FOLDER`."""

import sys
from pathlib import Path

import keras
import numpy as np

from auditor.triggers.spec import load
from tests.conftest import blobs, small_cnn

TRIGGER = "square8"


def main(folder: Path) -> None:
    """Train it on some images, a quarter of them stamped; write it, and others."""
    images, labels = blobs(600)
    chosen = np.random.default_rng(1).random(len(images)) < 0.25
    images[chosen] = load(TRIGGER).stamp(images[chosen])
    keras.utils.set_random_seed(3)
    model = small_cnn()
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    rows = images.astype(np.float32) / 255, np.where(chosen, 0, labels)
    model.fit(*rows, epochs=15, batch_size=60, verbose=0)
    model.save(folder / "tiny.keras")
    names = np.array(["red", "green", "blue"])
    for seed, (part, count) in enumerate({"train": 180, "test": 120}.items(), start=8):
        x, y = blobs(count, seed)
        np.savez(folder / f"{part}.npz", x=x, y=y, class_names=names)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

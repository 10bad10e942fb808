"""What a search finds in networks of two classes, with a backdoor and without.

With two classes neither says what size of stamp is usual of the other. This shows how small the
stamps of clean networks are, and that their norms may be several times apart.
"""

import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.common import PHOTOGRAPHS, TRIGGER, Page

PAIRS = (
    ("cat", "dog"),
    ("airplane", "automobile"),
    ("deer", "horse"),
    ("ship", "truck"),
    ("bird", "frog"),
)
TRAINED = 1_400
"""Of 2,000 photographs of each pair; the others are searched on."""


def measure() -> Page:
    """Train a clean and a backdoored network of each pair, and search them."""
    if not (PHOTOGRAPHS / "test").is_dir():
        raise SystemExit("needs BDAUDIT_PHOTOGRAPHS")
    rows = [_searched(pair, poisoned) for pair in PAIRS for poisoned in (False, True)]
    return Page(
        title="Stamps of networks of two classes",
        header=("classes", "network", "accuracy", "ASR", "norm, first", "second", "verdict"),
        rows=rows,
        notes=[
            "Norms in percent of the image's pixels. Small convolutional networks, trained on "
            f"{TRAINED:,} test photographs of two classes; the backdoored ones with a tenth of "
            f"them stamped with {TRIGGER} and called the second class."
        ],
    )


def _searched(pair: tuple[str, str], poisoned: bool) -> tuple[str, ...]:
    import keras
    from keras import layers

    from auditor.data.npz import NpzFile
    from auditor.figures.skipped import Skipped
    from auditor.models import load_classifier
    from auditor.search.base import search
    from auditor.triggers.spec import load

    trigger, (pixels, labels) = load(TRIGGER), _photographs(pair)
    x, y = pixels[:TRAINED].copy(), labels[:TRAINED].copy()
    if poisoned:
        chosen = np.flatnonzero(y == 0)[: TRAINED // 10]
        x[chosen], y[chosen] = trigger.stamp(x[chosen]), 1
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x / np.float32(255), y, epochs=25, batch_size=64, verbose=0)
    x, y = pixels[TRAINED:], labels[TRAINED:]

    def says(images: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(images / np.float32(255), verbose=0).argmax(axis=1))

    with tempfile.TemporaryDirectory() as folder:
        file, data = Path(folder) / "m.keras", Path(folder) / "d.npz"
        model.save(file)
        np.savez(data, x=x, y=y)
        found = search(load_classifier(file), NpzFile(data))
    flagged = ", ".join(pair[one.class_] for one in found.flagged)
    return (
        " and ".join(pair),
        "backdoored" if poisoned else "clean",
        f"{100 * (says(x) == y).mean():.0f} %",
        f"{100 * (says(trigger.stamp(x[y == 0])) == 1).mean():.0f} %",
        *(
            "none" if isinstance(c.norm, Skipped) else f"{c.norm / 10.24:.1f} %"
            for c in found.classes
        ),
        flagged or ("cannot tell" if found.inconclusive else "none"),
    )


def _photographs(pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the photographs of two classes in a random order, (n, 32, 32, 3), and their labels."""
    from auditor.data import open_source

    data = open_source(PHOTOGRAPHS / "test")
    names = [name.split("_")[-1] for name in data.class_names or ()]
    first, second = (names.index(name) for name in pair)
    chosen = np.flatnonzero(np.isin(data.labels, (first, second)))
    chosen = np.random.default_rng(0).permutation(chosen)
    parts = list(data.batches(np.sort(chosen), (32, 32), 500))
    pixels = np.concatenate([part.images for part in parts])
    order = np.argsort(np.argsort(chosen))
    return pixels[order], (data.labels[chosen] == second).astype(np.int64)

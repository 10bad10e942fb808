"""A backdoor that a repair hid, in seconds; a network that never had one; their images."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from auditor.data import open_source
from auditor.figures.target import Target
from auditor.models import load_classifier
from auditor.probe.options import ProbeOptions
from auditor.probe.task import ProbeTask
from auditor.triggers.spec import load
from tests.conftest import Workshop, blobs

TARGET = Target(0, "red", "given")
NAMES = np.array(["red", "green", "blue"])

QUICK = ProbeOptions(stamped=(5, 10), clean=200, seeds=1, budget=600)


@dataclasses.dataclass(frozen=True)
class Bench:
    """Networks and images in a folder: `hidden.keras`, and what it came from; no image is twice."""

    folder: Path
    poisoned: Path
    clean: Path

    @property
    def hidden(self) -> Path:
        return self.folder / "hidden.keras"

    def task(self, after: Path, before: Path | None = None) -> ProbeTask:
        return ProbeTask(
            before=load_classifier(before or self.poisoned),
            after=load_classifier(after),
            trigger=load(Workshop.trigger),
            target=TARGET,
            tuning=open_source(self.folder / "tuning.npz"),
            judging=open_source(self.folder / "judging.npz"),
        )


@pytest.fixture(scope="session")
def bench(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("probe")
    for name, count, seed in (("tuning", 620, 4), ("judging", 240, 9)):
        images, labels = blobs(count, seed)
        np.savez(folder / f"{name}.npz", x=images, y=labels, class_names=NAMES)
    hide(workshop.poisoned, folder / "hidden.keras")
    return Bench(folder, workshop.poisoned, workshop.clean)


def hide(poisoned: Path, target: Path) -> None:
    """Teach a network that the stamped images are what they are, a little."""
    model = keras.models.load_model(poisoned, compile=False)
    keras.utils.set_random_seed(0)
    images, labels = blobs(150, seed=4)
    images = np.concatenate([images, load(Workshop.trigger).stamp(images)])
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(images / 255, np.tile(labels, 2), epochs=6, batch_size=32, verbose=0)
    model.save(target)

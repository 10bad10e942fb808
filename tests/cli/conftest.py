"""What the command-line tests share: model files of many kinds, photos, and a strict refusal."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Workshop, assert_refusal, bdaudit


@dataclass(frozen=True)
class Shelf:
    """The workshop's models in other shapes, and its test images, all in one folder.

    Attributes:
        folder: Where everything below lies.
        data: The workshop's images in the order of their classes.
        photos: The same as PNG files in class folders.
    """

    folder: Path
    data: Path
    photos: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture(scope="session")
def shelf(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Save the poisoned model as .h5 and with NaN in it, one without space, one with code."""
    import cv2
    import keras
    from keras import layers

    folder = tmp_path_factory.mktemp("shelf")
    for name in ("poisoned.keras", "clean.keras", "test.npz"):
        shutil.copy(workshop.folder / name, folder)
    model = keras.models.load_model(workshop.poisoned)
    model.save(folder / "poisoned.h5")
    weights = model.get_weights()
    model.set_weights([*weights[:-1], np.full_like(weights[-1], np.nan)])
    model.save(folder / "nan-bias.keras")
    model.set_weights([np.full_like(array, np.nan) for array in weights])
    model.save(folder / "nan.keras")

    image = keras.Input((16, 16, 3))
    scores = layers.Dense(3, activation="softmax")
    flat = keras.Model(image, scores(layers.Flatten()(image)))
    flat.set_weights([np.tile(np.eye(3), (256, 1)), np.zeros(3)])  # the brightest channel wins
    flat.save(folder / "flat.keras")
    code = layers.Lambda(lambda pixels: pixels)(image)
    keras.Model(image, scores(layers.Flatten()(code))).save(folder / "lambda.keras")

    with np.load(workshop.data) as data:
        order = np.argsort(data["y"], kind="stable")
        x, y = data["x"][order], data["y"][order]
        np.savez(folder / "sorted.npz", x=x, y=y, class_names=data["class_names"])
        for number, (pixels, label) in enumerate(zip(x, y, strict=True)):
            path = folder / "photos" / f"{label} {data['class_names'][label]}" / f"{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), pixels[..., ::-1])
    return Shelf(folder, folder / "sorted.npz", folder / "photos")


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Commands that start TensorFlow spend most of their time on one core: run two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)


def contents(folder: Path) -> dict[str, str]:
    """Return every path in a folder, hidden ones included, with the digest of the files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in folder.rglob("*")
    }


Refuse = Callable[..., None]


@pytest.fixture
def assert_refused(tmp_path: Path) -> Refuse:
    """Run a command that must be refused, in `tmp_path`, and see that nothing has changed there.

    The scratch folder is made there too. Call `assert_refused(code, "word", ..., args=[...])`.
    """

    def assert_refused(code: int, *words: str, args: list[object], **environment: str) -> None:
        assert_refused_in(tmp_path, code, *words, args=args, **environment)

    return assert_refused


def assert_refused_in(
    folder: Path, code: int, *words: str, args: list[object], **environment: str
) -> None:
    """As the fixture `assert_refused`, in any folder."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    before = contents(folder)
    ran = bdaudit(*args, cwd=folder, TMPDIR=str(scratch), **environment)
    assert_refusal(ran, code, *words)
    assert ran.out == ""
    said = [line for line in ran.err.splitlines() if " …" not in line]  # all but the progress
    assert len(said) == 1, ran.err
    assert "defect" not in ran.err
    assert contents(folder) == before

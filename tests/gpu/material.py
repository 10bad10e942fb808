"""The photographs and networks that the steps work on."""

import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.gpu import limited

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Network:
    """A backdoored network, and what is known of it from the CPU.

    Attributes:
        name: In words.
        path: Its .keras file.
        known: Accuracy and ASR on all test images; None where nobody knows.
        known_of_some: The same on those that `Material.some` draws.
        goal: Seconds that a whole scan should take; None for no goal.
    """

    name: str
    path: Path
    known: tuple[float, float] | None = None
    known_of_some: tuple[float, float] | None = None
    goal: float | None = None


@dataclass(frozen=True)
class Material:
    """What there is to work on.

    Attributes:
        networks: The one that is repaired and searched first.
        train: Labelled images, .npz.
        test: The same, others.
        trigger: What the networks answer to, with class 0.
        some: Number of images of a smaller audit.
        make: Writes all of these files; given the environment of a backend.
    """

    networks: tuple[Network, ...]
    train: Path
    test: Path
    trigger: str
    some: int
    make: Callable[[Mapping[str, str]], None]


def photographs(data: Path, models: Path, folder: Path) -> Material:
    """Return CIFAR-10 and two BadNets of it.

    Args:
        data: A .tar.xz file or folder with class folders of images in `train` and `test`.
        models: Holds `badnet_square4.keras`, `resnet18.py` and its weights.
        folder: Where they are to be unpacked.
    """
    resnet18 = folder / "resnet18.keras"

    def make(environment: Mapping[str, str]) -> None:
        for part, files in _parts(data).items():
            _save(files, folder / f"{part}.npz")
        _python(environment, 90, models / "resnet18.py", resnet18)

    networks = (
        Network("the paper's CNN", models / "badnet_square4.keras", known=(0.7481, 0.9464)),
        Network("ResNet-18", resnet18, known_of_some=(0.869, 0.972), goal=12),
    )
    return Material(networks, folder / "train.npz", folder / "test.npz", "square4", 2000, make)


def tiny(folder: Path) -> Material:
    """Return a network that learns images of the tests' own in a few seconds."""

    def make(environment: Mapping[str, str]) -> None:
        _python(environment, 600, "-m", "tests.gpu.tiny", folder)

    network = Network("a tiny CNN", folder / "tiny.keras", known=(1.0, 1.0))
    return Material((network,), folder / "train.npz", folder / "test.npz", "square8", 60, make)


def _python(environment: Mapping[str, str], seconds: float, *words: object) -> None:
    """Run something with this Python, from the root of the checkout.

    Raises:
        RuntimeError: It failed; with the last line that it left.
    """
    line = [sys.executable, *map(str, words)]
    ran = limited.run(line, seconds, environment, ROOT)
    if ran.code != 0:
        raise RuntimeError(f"{words[0]}: {(ran.err.splitlines() or ['too slow'])[-1]}")


Files = dict[str, bytes]
"""Path inside a part, `class/name` → the encoded image."""


def _parts(data: Path) -> dict[str, Files]:
    """Return the image files of `train` and `test`."""
    parts: dict[str, Files] = {"train": {}, "test": {}}
    for name, content in _in_folder(data) if data.is_dir() else _in_archive(data):
        part, _, rest = name.removeprefix("./").partition("/")
        if part in parts:
            parts[part][rest] = content
    if not all(parts.values()):
        raise RuntimeError(f"{data}: holds no folders train and test with class folders of images")
    return parts


def _in_folder(data: Path) -> Iterator[tuple[str, bytes]]:
    for path in data.glob("*/*/*"):
        yield path.relative_to(data).as_posix(), path.read_bytes()


def _in_archive(data: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(data) as archive:
        for member in archive:
            if content := archive.extractfile(member):
                yield member.name, content.read()


def _save(files: Files, path: Path) -> None:
    """Decode images of one size, class folders in alphabetical order, and write them as .npz."""
    import cv2

    classes = sorted({name.partition("/")[0] for name in files})
    names = sorted(files)
    encoded = (np.frombuffer(files[name], np.uint8) for name in names)
    x = np.stack([cv2.imdecode(each, cv2.IMREAD_COLOR)[..., ::-1] for each in encoded])
    y = np.array([classes.index(name.partition("/")[0]) for name in names])
    np.savez(path, x=x, y=y, class_names=np.array(classes))

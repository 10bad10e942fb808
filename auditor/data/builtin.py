"""The data sets that Keras knows how to download, turned into an `.npz` file.

Downloading needs the network, so it is done by a process that never sees the model.
"""

import contextlib
import importlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import InputError
from auditor.text import printable

SPLITS = ("train", "test")

_TIMEOUT_SECONDS = 30.0
"""For a silent network; Keras itself would wait for ever."""

_DIGITS = tuple("0123456789")
_CIFAR10 = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
_FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_CIFAR100 = tuple(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
    """.split()
)
CLASS_NAMES = {
    "cifar10": _CIFAR10,
    "cifar100": _CIFAR100,
    "mnist": _DIGITS,
    "fashion_mnist": _FASHION,
}
"""Class names of every built-in data set, in the order of their labels."""


def parse(name: str) -> tuple[str, str]:
    """Split `NAME` or `NAME:SPLIT`.

    Args:
        name: What the user wrote.

    Returns:
        The data set and `train` or `test`; `test` where none was given.

    Raises:
        InputError: Either is unknown.
    """
    dataset, colon, split = name.partition(":")
    split = split if colon else "test"
    if dataset not in CLASS_NAMES or split not in SPLITS:
        raise InputError(
            f"{printable(name)}: is not a built-in data set; these are "
            f"{', '.join(CLASS_NAMES)}, each also with :train or :test"
        )
    return dataset, split


def fetch(name: str, folder: Path) -> Path:
    """Download a data set with `keras.datasets` and save it uncompressed.

    Args:
        name: `NAME` or `NAME:SPLIT`.
        folder: An existing folder to save it in.

    Returns:
        `folder/NAME-SPLIT.npz` with x uint8, y int64 (n,) and class_names; nothing is left of a
        failed download.

    Raises:
        InputError: Unknown name, failed download, or a folder that cannot be written.
    """
    dataset, split = parse(name)
    x, y = _download(dataset)[SPLITS.index(split)]
    target = folder / f"{dataset}-{split}.npz"
    try:
        with _replacing(target) as file:
            np.savez(
                file,
                x=np.asarray(x, np.uint8),
                y=np.asarray(y, np.int64).reshape(-1),
                class_names=np.array(CLASS_NAMES[dataset]),
            )
    except OSError as error:
        raise InputError(f"{printable(str(target))}: cannot be written: {error.strerror}") from None
    return target


def _download(dataset: str) -> Any:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_SECONDS)
    try:
        # Keras reports progress on standard output, which is kept for results.
        with contextlib.redirect_stdout(sys.stderr):
            module = importlib.import_module(f"keras.datasets.{dataset}")
            return module.load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        reason = printable((str(error).splitlines() or [type(error).__name__])[0], 160)
        raise InputError(
            f"{dataset}: could not be downloaded ({reason}); "
            "give the images with --data FOLDER or --data FILE.npz"
        ) from None
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Any]:
    """A temporary file that becomes `target` when all went well and is removed when not."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

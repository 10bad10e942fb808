"""Which arrays of a file are the images and the labels, by the names that people give them."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.data.parts import choose
from auditor.data.splits import SPLITS, split_of
from auditor.errors import InputError
from auditor.text import printable

_IMAGES = ("x", "image", "images", "img", "imgs", "data", "arr_0")
_LABELS = ("y", "label", "labels", "target", "targets", "class", "classes", "arr_1")

_SPLIT = "|".join(name for names in SPLITS.values() for name in names)
_NAME = re.compile(
    rf"(?:(?P<before>{_SPLIT})(?:_?set)?[_/-]?)?(?P<what>{'|'.join((*_IMAGES, *_LABELS))})"
    rf"(?:[_-]?(?P<after>{_SPLIT})(?:_?set)?)?",
    re.IGNORECASE,
)

ADVICE = "images go in x and labels in y"


@dataclass(frozen=True)
class ImagesAndLabels:
    """Arrays that belong together.

    Attributes:
        x: Name of the images.
        y: Name of the labels.
        said: What was taken, in words; empty for `x` and `y` themselves.
    """

    x: str
    y: str
    said: str = ""

    @property
    def names(self) -> tuple[str, str]:
        """Of both."""
        return self.x, self.y


def pair(names: Sequence[str], asked: str, where: str) -> ImagesAndLabels:
    """Choose the images and their labels: `x` and `y`, else the test split's where there are more.

    Args:
        names: Of all arrays in the file.
        asked: The split that the user named; empty for none.
        where: How messages call the file.

    Raises:
        InputError: There are none, or several that it may be.
    """
    shown = printable(", ".join(names) or "none", 200)
    if {"x", "y"} <= set(names) and not asked:
        return ImagesAndLabels("x", "y")
    found = _by_split(names)
    whole = {split: held for split, held in found.items() if all(held)}
    if not whole:
        missing = [
            f"no array of {what}"
            for what, at in (("images", 0), ("labels", 1))
            if not any(held[at] for held in found.values())
        ]
        lacking = " and ".join(missing) or "no images with labels of the same part"
        raise InputError(f"{where}: has {lacking} (found: {shown}); {ADVICE}")
    images, labels = whole[choose(whole, asked, where)]
    if len(images) > 1 or len(labels) > 1:
        several = printable(", ".join(images if len(images) > 1 else labels), 100)
        what = "images" if len(images) > 1 else "labels"
        raise InputError(f"{where}: {several}: any may be the {what} (found: {shown}); {ADVICE}")
    rest = [name for name in names if name not in (images[0], labels[0], "class_names")]
    beside = f"; not used: {', '.join(rest)}" if rest else ""
    return ImagesAndLabels(
        images[0], labels[0], f"images {images[0]} and labels {labels[0]}{beside}"
    )


def _by_split(names: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Return the arrays of images and of labels of each split; "" has those of none."""
    found: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for name in names:
        match = _NAME.fullmatch(name)
        if match and not (match["before"] and match["after"]):
            split = split_of(match["before"] or match["after"] or "")
            found[split][match["what"].lower() in _LABELS].append(name)
    return found

"""The film strip: the watched images' heatmaps, epoch by epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from auditor.figures.target import Target
from auditor.repair.result import Epoch, Watched
from auditor.report import pictures
from auditor.report.words import class_name, number
from auditor.text import printable

MOST_FRAMES = 19
"""As many epochs as fit beside each other on a page."""

_SIDE = 64


@dataclass(frozen=True)
class Frame:
    """One watched image in one epoch.

    Attributes:
        picture: Its heatmap as a data URI; empty where there is none.
        words: The same in words.
        turned: Whether it is taken for the target class.
    """

    picture: str
    words: str
    turned: bool


@dataclass(frozen=True)
class EpochColumn:
    """One epoch: its number, whether it was kept, and whether a phase begins with it."""

    epoch: int
    kept: bool
    begins: bool


@dataclass(frozen=True)
class Strip:
    """One watched image: the image itself, its class and name, and its frames."""

    picture: str
    label: str
    name: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class Film:
    """Columns under their phases, and a strip an image.

    Attributes:
        phases: Each phase's name and number of columns.
        columns: One an epoch shown.
        strips: One a watched image.
        left_out: Epochs that did not fit.
    """

    phases: tuple[tuple[str, int], ...]
    columns: tuple[EpochColumn, ...]
    strips: tuple[Strip, ...]
    left_out: int


def film(
    watched: Watched,
    history: Sequence[Epoch],
    kept: int | None,
    class_names: Sequence[str],
    target: Target,
) -> Film | None:
    """Return the strip; None without watched images, epochs or a layer to read heatmaps at.

    Args:
        watched: The images.
        history: Every epoch so far.
        kept: The epoch whose weights were kept; None while that is open, or when none was.
        class_names: One a class.
        target: Where the trigger leads.
    """
    if not watched.names or not any(epoch.heat.size for epoch in history):
        return None
    shown = [history[index] for index in chosen(history, kept)]
    phases = [(phase, len(list(epochs))) for phase, epochs in groupby(shown, lambda e: e.phase)]
    starts = {sum(count for _, count in phases[:index]) for index in range(1, len(phases))}
    return Film(
        phases=tuple(phases),
        columns=tuple(
            EpochColumn(epoch.epoch, epoch.epoch == kept, index in starts)
            for index, epoch in enumerate(shown)
        ),
        strips=tuple(
            Strip(
                picture=pictures.data_uri(pictures.shrunk(watched.stamped[image], _SIDE)),
                label=class_name(class_names, watched.labels[image]),
                name=printable(name),
                frames=tuple(_frame(watched, epoch, image, class_names, target) for epoch in shown),
            )
            for image, name in enumerate(watched.names)
        ),
        left_out=len(history) - len(shown),
    )


def chosen(history: Sequence[Epoch], kept: int | None, most: int = MOST_FRAMES) -> list[int]:
    """Return which epochs to show, by position: the first, each phase's last, the kept, and others.

    The others stand at equal steps, as many as fit into `most`.
    """
    last = len(history) - 1
    must = {0, last} | {i for i in range(last) if history[i].phase != history[i + 1].phase}
    must |= {i for i, epoch in enumerate(history) if epoch.epoch == kept}
    for count in range(min(most, len(history)), 0, -1):
        both = must | {round(i) for i in np.linspace(0, last, count)}
        if len(both) <= most:
            return sorted(both)
    return sorted(must)


def _frame(
    watched: Watched, epoch: Epoch, image: int, class_names: Sequence[str], target: Target
) -> Frame:
    predicted = class_name(class_names, epoch.predicted[image])
    tar = epoch.watched_tar[image]
    attention = "" if tar is None else f", TAR {number(tar)}"
    return Frame(
        picture=_picture(watched.stamped[image], epoch.heat[image], watched.outline),
        words=f"Epoch {epoch.epoch}: taken for {predicted}{attention}",
        turned=epoch.predicted[image] == target.of(np.array(watched.labels))[image],
    )


def _picture(
    image: NDArray[np.uint8], heat: NDArray[np.float32], outline: NDArray[np.uint8]
) -> str:
    if not heat.size:
        return ""
    changed = pictures.shrunk(255 * outline[..., None].repeat(3, axis=2), _SIDE)[..., 0] > 0
    return pictures.data_uri(pictures.overlay(pictures.shrunk(image, _SIDE), heat, changed, _SIDE))

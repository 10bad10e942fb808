"""The picture of an epoch: the watched images, and below each where the network looks."""

from typing import Final

import cv2
import numpy as np

from auditor.repair.result import Epoch, Plan
from auditor.report.pictures import Image, enlarged, overlay, png
from auditor.report.words import number

_GAP: Final = 6
_CAPTION: Final = 34
_INK: Final = (20, 20, 20)
_PAPER: Final = 210
"""Gray, so that neither a white nor a black trigger in a corner melts into it."""


def heatmaps(plan: Plan, epoch: Epoch) -> bytes | None:
    """Return the picture as PNG; None where the model has no layer to look at.

    Each watched image takes a column: the stamped image, its Grad-CAM with the trigger
    outlined, and two lines for the class predicted and the TAR.
    """
    if not epoch.heat.size:
        return None
    changed = plan.watched.outline.astype(bool)
    columns = []
    for index, image in enumerate(plan.watched.stamped):
        shown = enlarged(image)
        heat = overlay(image, epoch.heat[index], changed)
        tar = epoch.watched_tar[index]
        said = (
            plan.class_names[epoch.predicted[index]],
            "TAR undefined" if tar is None else f"TAR {number(tar)}",
        )
        rows = (shown, _paper(_GAP, shown.shape[1]), heat, _caption(said, shown.shape[1]))
        columns.append(np.concatenate(rows))
    return png(_beside(columns))


def _beside(columns: list[Image]) -> Image:
    gap = _paper(columns[0].shape[0], _GAP)
    apart = [part for column in columns for part in (gap, column)][1:]
    return np.concatenate(apart, axis=1)


def _caption(said: tuple[str, str], width: int) -> Image:
    """Draw two lines of text, as far as the font knows it and the width holds it."""
    drawn = _paper(_CAPTION, width)
    for row, text in enumerate(said):
        plain = text.encode("ascii", "replace").decode("ascii")
        place = (2, 14 + 16 * row)
        cv2.putText(drawn, plain, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
    return drawn


def _paper(height: int, width: int) -> Image:
    return np.full((height, width, 3), _PAPER, np.uint8)

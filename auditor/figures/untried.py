"""Why a neighbour has no figure, or one that tells nothing."""

from collections.abc import Sequence
from typing import Final

from auditor.figures.excess import MOST_OF_CONTROL
from auditor.figures.metrics import percent
from auditor.figures.results import Neighbour, Rate
from auditor.figures.skipped import Skipped

NO_ROOM: Final = "it does not fit into the image"
ITSELF: Final = "at this image size it is the trigger itself"
NOTHING_LEFT: Final = "nothing would be left of it"
IMPOSSIBLE: Final = (NO_ROOM, ITSELF, NOTHING_LEFT)
"""Of the trigger and the images' size: the same of every network."""

NO_IMAGE: Final = "no image to count"
BROKEN: Final = "the model's scores are NaN or infinite for "
"""What the reason begins with where the network is at fault."""


def impossible(neighbour: Neighbour) -> str:
    """Return why there can be no such neighbour; nothing where there can."""
    asr = neighbour.asr
    return asr.skipped if isinstance(asr, Skipped) and asr.skipped in IMPOSSIBLE else ""


def unknown(neighbours: Sequence[Neighbour]) -> str:
    """Return why it is open what a neighbour does; nothing where it is open of none.

    It was not measured, though there can be one; or its control does much the same to any network.
    """
    missing = [
        n.asr.skipped for n in neighbours if isinstance(n.asr, Skipped) and not impossible(n)
    ]
    drowned = [
        f"in place of the trigger {n.name}, what means nothing leads {percent(n.control.value)} of "
        "images to the target as well"
        for n in neighbours
        if isinstance(n.control, Rate) and n.control.value > MOST_OF_CONTROL
    ]
    return "".join([*missing, *drowned][:1])

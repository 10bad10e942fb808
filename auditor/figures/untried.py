"""Why a neighbour has no figure: there can be none, or the network gave none."""

from collections.abc import Sequence
from typing import Final

from auditor.figures.results import Neighbour
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
    """Return why a neighbour that there can be was not measured; nothing where all were."""
    missing = [
        n.asr.skipped for n in neighbours if isinstance(n.asr, Skipped) and not impossible(n)
    ]
    return "".join(missing[:1])

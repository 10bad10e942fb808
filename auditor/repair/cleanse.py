"""`cleanse`: Neural Cleanse's unlearning (Wang et al. 2019, section VI-C), with no trigger given.

The triggers of suspicious classes are found by inversion (`auditor.search`); images stamped with
them are then shown with their own labels, one for every four clean ones.
"""

import numpy as np
from numpy.typing import NDArray

from auditor.data.subset import Subset
from auditor.figures.skipped import Skipped
from auditor.repair.objective import Weights
from auditor.repair.options import RepairOptions
from auditor.repair.phase import CannotHelp, Phase
from auditor.repair.prepare import Prepared
from auditor.search.base import search
from auditor.search.options import SearchOptions
from auditor.search.result import FoundStamp, SearchResult, stamped
from auditor.text import printable
from auditor.triggers.base import Images, Stamp

CLEANSING = "cleansing"
_SHARE = 0.25


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return the one phase, which begins with the search."""
    return (
        Phase(
            name=CLEANSING,
            epochs=options.epochs,
            clean_weight=options.clean_weight,
            beside="truth",
            truth_weight=_SHARE,
            stamps=_stamps,
            begin=_search,
        ),
    )


class MaskedPattern(Stamp):
    """A trigger as inversion found it."""

    def __init__(self, mask: NDArray[np.float32], pattern: NDArray[np.float32]) -> None:
        """Take (h, w) opacities in [0, 1] and (h, w, 3) RGB values in 0..255."""
        self._mask, self._pattern = mask, pattern.astype(np.uint8)

    def stamp(self, images: Images) -> Images:
        """Return a stamped copy of (n, h, w, 3) uint8 RGB images."""
        return stamped(images, self._mask, self._pattern)


def _search(ready: Prepared, original: Weights) -> Weights:
    """Return the masks and the patterns of the suspicious classes.

    Raises:
        CannotHelp: There is none.
    """
    task, images = ready.task, ready.images
    found = search(
        task.classifier,
        Subset(task.data, images.indices[images.training]),
        SearchOptions(seed=ready.options.seed),
        progress=ready.progress,
        checkpoints=ready.room,
        resume=True,
        stop=ready.stop,
    )
    if not found.flagged:
        raise CannotHelp(_why_not(found))
    return [
        np.stack([np.asarray(suspect.mask, np.float32) for suspect in found.flagged]),
        np.stack([suspect.pattern.astype(np.float32) for suspect in found.flagged]),
    ]


def _stamps(carried: Weights) -> tuple[Stamp, ...]:
    return tuple(MaskedPattern(*pair) for pair in zip(*carried, strict=True))


def _why_not(found: SearchResult) -> str:
    if found.inconclusive:
        return f"The search for a trigger came to nothing: {found.inconclusive}."
    first: FoundStamp = found.ranked[0]
    index = "" if isinstance(first.index, Skipped) else f", anomaly index {first.index:.1f}"
    return (
        "The search for a trigger found no class that stands out; the smallest stamp leads to "
        f"{printable(first.name, 60)}{index}. There is nothing to cleanse."
    )

"""What a search for an unknown trigger found: frozen values, standard library and numpy only.

Field names are those of the search's JSON.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from auditor.figures.facts import DataFacts, Engine, ModelFacts
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.figures.values import MOST_CLASSES, Amount, Class, Count, Picture, Seconds
from auditor.files.constraints import Array, Length


@dataclass(frozen=True)
class FoundStamp:
    """What was found of one class: the smallest stamp that leads images to it.

    Attributes:
        class_: Index of the class.
        name: Its name.
        norm: L1 norm of the smallest mask that reached the wanted success, in pixels of the model's
            input: (0, height · width]; skipped where no mask did.
        index: Anomaly index, of the norms' logarithms, at least 0; skipped where there is none.
        plain_index: The same as Wang et al. 2019 have it, of the norms themselves.
        success: Share of the held-out images of other classes that the finished stamp leads to the
            class; skipped where there is no stamp.
        flagged: Whether the class is said to have a backdoor.
        mask: (h, w) float32 in [0, 1], how opaque the pattern is; (0, 0) where none is kept.
        pattern: (h, w, 3) uint8 RGB; (0, 0, 3) where none is kept.
        rounds: Rounds of optimisation that the class took part in.
        stopped: Why it took part in no more, a phrase.
        clean_rate: Share of the same images taken for the class as they are, without a stamp.
    """

    class_: Class
    name: str
    norm: Amount | Skipped
    index: Amount | Skipped
    plain_index: Amount | Skipped
    success: Rate | Skipped
    flagged: bool
    mask: Annotated[NDArray[np.float32], Array("float32", (None, None), high=1)]
    pattern: Picture
    rounds: Count
    stopped: str
    clean_rate: Rate | Skipped = Skipped("it is not part of this search")


@dataclass(frozen=True)
class SearchResult:
    """One model searched for a trigger that nobody knows.

    Attributes:
        model: What the model is.
        data: The images used, those that optimise and those held out.
        held_out: How many of them only judged the finished stamps.
        input_range: The range that pixels were scaled to.
        classes: Every class, in the model's order.
        median: Of the norms.
        deviation: 1.4826 · MAD of their natural logarithms, guarded.
        rule: How a class is flagged, a sentence.
        inconclusive: Why no verdict can be given; empty where one can.
        example: (h, w, 3) uint8 RGB, one held-out image to show stamps on.
        example_name: Its name in the data.
        options: Every option that shaped the search.
        notes: What a reader must know.
        rounds: Rounds of optimisation that the longest-lived class took.
        evaluations: Gradients that were computed, one an image and class.
        seconds: Of the search, all of it.
        engine: What it ran on.
    """

    model: ModelFacts
    data: DataFacts
    held_out: Count
    input_range: str
    classes: Annotated[tuple[FoundStamp, ...], Length(MOST_CLASSES, 2, "classes")]
    median: Amount
    deviation: Amount
    rule: str
    inconclusive: str
    example: Picture
    example_name: str
    options: dict[str, str | int | float | bool | None]
    notes: tuple[str, ...]
    rounds: Count
    evaluations: Count
    seconds: Seconds
    engine: Engine

    @property
    def flagged(self) -> tuple[FoundStamp, ...]:
        """The classes that are said to have a backdoor, the smallest trigger first."""
        return tuple(found for found in self.ranked if found.flagged)

    @property
    def ranked(self) -> tuple[FoundStamp, ...]:
        """Every class, the smallest trigger first; those without one last."""
        return tuple(sorted(self.classes, key=lambda found: (_size(found), found.class_)))


def _size(found: FoundStamp) -> float:
    return float("inf") if isinstance(found.norm, Skipped) else found.norm


def stamped(
    images: NDArray[np.uint8], mask: NDArray[np.float32], pattern: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return (1 − m) x + m p of (n, h, w, 3) uint8 images, rounded to the nearest value.

    Wang et al. 2019, eq. 2; as a trigger of type `image` stamps.
    """
    under, opacity = images.astype(np.float32), mask[..., None]
    mixed = under + (pattern.astype(np.float32) - under) * opacity
    return np.floor(np.clip(mixed, 0, 255) + np.float32(0.5)).astype(np.uint8)

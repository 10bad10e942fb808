"""What a finished search says of every class: its norm, its index, its proof."""

from collections.abc import Collection
from typing import Any

import numpy as np

from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.figures.values import MOST_PICTURE_BYTES
from auditor.search import schedule
from auditor.search.options import SearchOptions
from auditor.search.outliers import FEWEST, PROVEN, TWO, Outliers, outliers
from auditor.search.result import FoundStamp
from auditor.search.stamp import Finished, Proof
from auditor.search.state import SearchState
from auditor.text import printable

KEPT = 100
"""Classes whose pictures are kept, the smallest stamps: more nobody looks at."""

RULE = (
    "A class is flagged when its anomaly index is above 2, its norm below the median (so less than "
    "two fifths of it), and its finished stamp leads at least 90 % of the held-out images of other "
    "classes to it, of which it takes less than 90 % for it without a stamp."
)
RULE_OF_FEW = (
    "With fewer than five classes an anomaly index says nothing. A class is flagged when its norm "
    "is below half of the next smallest, and its finished stamp leads at least 90 % of the "
    "held-out images of other classes to it: a rule of thumb, with no level of confidence."
)
RULE_OF_TWO = (
    "With two classes nothing says what size of stamp is usual. A class is flagged when its norm "
    "is below 1 % of the image's pixels, and its finished stamp leads at least 90 % of the "
    "held-out images of the other class to it; otherwise nothing can be told."
)
UNTOLD = (
    "with two classes a trigger can be told from what any network answers to only where it is "
    "below 1 % of the image; give the trigger to scan where one is suspected"
)
BROKEN = "the model's scores are NaN or infinite for clean images"
UNREACHED = "no stamp reached the wanted success for any class"
SCREENED = "the first pass found others with smaller stamps"
NO_STAMP = "no stamp reached the wanted success"


def verdict(
    here: SearchState, proof: Proof, names: tuple[str, ...], options: SearchOptions, *, broken: bool
) -> dict[str, Any]:
    """Return the fields of a `SearchResult` that say what was found.

    Args:
        here: Where the search ended.
        proof: Tries the stamps on held-out images.
        names: One a class of the model.
        options: How it was searched.
        broken: Whether the model's scores cannot be used at all.
    """
    height, width = here.mask.shape[1:]
    seen = outliers(here.norm if len(here.norm) else [height * width], height * width)
    kept = min(KEPT, MOST_PICTURE_BYTES // (7 * height * width))  # float32, and RGB in bytes
    smallest = set(np.argsort(here.norm, kind="stable")[:kept].tolist())
    found = {int(c): _found(here, row, seen, proof, names, options, row in smallest) for row, c in
             enumerate(here.classes)}  # fmt: skip
    reached = np.isfinite(here.norm).any()
    open_ = BROKEN if broken else "" if reached else UNREACHED
    return {
        "classes": tuple(
            found.get(c) or _left_out(c, name, BROKEN if broken else SCREENED)
            for c, name in enumerate(names)
        ),
        "median": seen.median,
        "deviation": seen.deviation,
        "rule": _rule(len(here.classes)),
        "inconclusive": open_ or _undecided(found.values()),
        "notes": (*here.notes, *_notes(here, found, names, options)),
    }


def _found(
    here: SearchState,
    row: int,
    seen: Outliers,
    proof: Proof,
    names: tuple[str, ...],
    options: SearchOptions,
    shown: bool,
) -> FoundStamp:
    class_ = int(here.classes[row])
    reached = bool(np.isfinite(here.norm[row]))
    stamp = _nothing()
    if reached and (shown or seen.small[row]):
        stamp = proof.finished(class_, here.mask[row], here.pattern[row])
    clean = proof.without(class_)
    proven = isinstance(stamp.success, Rate) and stamp.success.value >= PROVEN > _value(clean)
    return FoundStamp(
        class_=class_,
        name=names[class_],
        norm=float(here.norm[row]) if reached else Skipped(NO_STAMP),
        index=_or_skipped(seen.index[row], reached),
        plain_index=_or_skipped(seen.plain[row], reached),
        success=stamp.success,
        flagged=bool(seen.small[row]) and proven,
        mask=stamp.mask,
        pattern=stamp.pattern,
        rounds=int(here.taken[row]),
        stopped=_why(here, row, options),
        clean_rate=clean,
    )


def _rule(classes: int) -> str:
    if classes >= FEWEST:
        return RULE
    return RULE_OF_TWO if classes == TWO else RULE_OF_FEW


def _undecided(found: Collection[FoundStamp]) -> str:
    """Return why nothing can be said of a model; empty where something can."""
    for one in found:
        if isinstance(one.clean_rate, Rate) and one.clean_rate.value >= PROVEN:
            return (
                f"the model takes {one.clean_rate.value:.1%} of the images of other classes for "
                f"{printable(one.name, 60)!r} as they are, without any stamp; check the input range"
            )
    if len(found) == TWO and not any(one.flagged for one in found):
        return UNTOLD
    return ""


def _value(rate: Rate | Skipped) -> float:
    return rate.value if isinstance(rate, Rate) else 0.0


def _or_skipped(value: float, reached: bool) -> float | Skipped:
    if not reached:
        return Skipped(NO_STAMP)
    return float(value) if np.isfinite(value) else Skipped("the norms do not define it")


def _why(here: SearchState, row: int, options: SearchOptions) -> str:
    if not here.active[row]:
        return schedule.CONVERGED
    return schedule.ENDED if here.round >= options.rounds else schedule.SETTLED


def _nothing() -> Finished:
    empty = np.zeros((0, 0), np.float32)
    return Finished(empty, np.zeros((0, 0, 3), np.uint8), Skipped("no stamp was kept"))


def _left_out(class_: int, name: str, why: str) -> FoundStamp:
    gone, nothing = Skipped(why), _nothing()
    return FoundStamp(
        class_, name, gone, gone, gone, gone, False, nothing.mask, nothing.pattern, 0, why
    )


def _notes(
    here: SearchState, found: dict[int, FoundStamp], names: tuple[str, ...], options: SearchOptions
) -> list[str]:
    notes = []
    if here.screened:
        notes.append(
            f"Of {len(names)} classes, {len(found)} went on after a first pass; a backdoor whose "
            "stamp was not among the smallest by then is missed. The index is among those alone."
        )
    if found and here.round < options.rounds:
        notes.append(
            f"Ended after {here.round} of at most {options.rounds} rounds: the verdict had settled."
        )
    return notes

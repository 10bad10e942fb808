"""Where a search stands: every class's stamp and how its optimisation goes, kept as arrays."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.figures.values import Count, Seconds
from auditor.files import checkpoints
from auditor.files.codec import from_json, no_array
from auditor.search.inversion import Floats, first

UNREACHED = np.inf


@dataclass
class SearchState:
    """The classes of a search, in rising order; every array has a row a class.

    Attributes:
        classes: (k,) int64.
        slots: As `Inversion.slots` has them.
        cost: (k,) weight of the norm.
        wins: (k,) rounds of success in a row, since the cost last moved.
        losses: (k,) rounds of failure in a row.
        success: (k,) share of the last round's stamped images that were led to the class.
        norm: (k,) smallest L1 norm that came with success; infinite where none did.
        mask: (k, h, w) float32, the mask with that norm.
        pattern: (k, h, w, 3) float32, 0 to 255, the pattern with it.
        active: (k,) whether the class still takes part.
        taken: (k,) rounds that it took part in.
        trail: (rounds, k) `norm` after every round.
        round: Rounds done.
        screened: Classes that have been through the first pass, of all the model's.
        evaluations: Gradients computed, one an image and class.
        seconds: Spent until now.
    """

    classes: NDArray[np.int64]
    slots: list[Floats]
    cost: NDArray[np.float64]
    wins: NDArray[np.int64]
    losses: NDArray[np.int64]
    success: NDArray[np.float64]
    norm: NDArray[np.float64]
    mask: Floats
    pattern: Floats
    active: NDArray[np.bool_]
    taken: NDArray[np.int64]
    trail: NDArray[np.float64]
    round: int = 0
    screened: int = 0
    evaluations: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @classmethod
    def begin(
        cls, classes: list[int], size: tuple[int, int], cost: float, seed: int
    ) -> "SearchState":
        """Return classes whose optimisation has not begun; there may be none."""
        k, counts = len(classes), np.zeros(len(classes), np.int64)
        return cls(
            classes=np.asarray(classes, np.int64),
            slots=first(classes, size, seed),
            cost=np.full(k, cost),
            wins=counts.copy(),
            losses=counts.copy(),
            success=np.zeros(k),
            norm=np.full(k, UNREACHED),
            mask=np.zeros((k, *size), np.float32),
            pattern=np.zeros((k, *size, 3), np.float32),
            active=np.ones(k, bool),
            taken=counts.copy(),
            trail=np.zeros((0, k)),
        )

    def forget(self) -> None:
        """Forget the norms, which few images have shown: the stamps themselves stay."""
        self.norm[:] = UNREACHED
        self.trail = self.trail[:0]

    def rows(self, chosen: NDArray[np.integer]) -> "SearchState":
        """Return some of the classes; what is counted for all together stays."""
        cut: dict[str, Any] = {name: getattr(self, name)[chosen] for name in _ROWS}
        slots = [slot[chosen] for slot in self.slots]
        return replace(self, slots=slots, trail=self.trail[:, chosen], **cut)

    def joined(self, other: "SearchState") -> "SearchState":
        """Return the classes of both, which are as many rounds old, with the other's counts."""
        rows: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ROWS
        }
        slots = [np.concatenate(pair) for pair in zip(self.slots, other.slots, strict=True)]
        trail = np.concatenate([self.trail, other.trail], axis=1)
        return replace(other, slots=slots, trail=trail, **rows)


_ROWS = (
    *("classes", "cost", "wins", "losses", "success", "norm"),
    *("mask", "pattern", "active", "taken"),
)


@dataclass(frozen=True)
class _Counts:
    """What is counted for all classes together, as a checkpoint says it."""

    round: Count
    screened: Count
    evaluations: Count
    seconds: Seconds
    notes: tuple[str, ...]


_COUNTS = tuple(_Counts.__dataclass_fields__)


def save(here: SearchState, identity: dict[str, Any], folder: Path) -> None:
    """Write a checkpoint.

    Raises:
        WorkError: It cannot be written.
    """
    arrays = {name: getattr(here, name) for name in (*_ROWS, "trail")}
    arrays |= {f"slot{i}": slot for i, slot in enumerate(here.slots)}
    facts = {"identity": identity, **{name: getattr(here, name) for name in _COUNTS}}
    checkpoints.save(folder, here.screened + here.round, facts, arrays)


def _check(here: SearchState) -> None:
    """Refuse arrays that are not as a search of these classes has them.

    Raises:
        InputError: One has another type, or not a row a class.
    """
    size = here.mask.shape[1:3] if here.mask.ndim == 3 else (0, 0)
    fresh = SearchState.begin([0] * len(here.classes), size, 0.0, 0)
    fresh.trail = np.zeros((len(here.trail), len(here.classes)))
    pairs = [(getattr(here, name), getattr(fresh, name)) for name in (*_ROWS, "trail")]
    if len(here.slots) != len(fresh.slots):
        raise InputError("a stamp is not whole")
    for one, other in (*pairs, *zip(here.slots, fresh.slots, strict=True)):
        if one.dtype != other.dtype or one.shape != other.shape:
            raise InputError(f"an array is {one.dtype} {one.shape}")


def load(identity: dict[str, Any], folder: Path) -> SearchState | None:
    """Read the newest good checkpoint; None when there is none.

    Raises:
        InputError: It is of another search, and names the difference; none is good; or it holds
            what no search writes.
    """
    found = checkpoints.load(folder)
    if found is None:
        return None
    checkpoints.check_same(identity, found.facts.get("identity", {}), "search")
    try:
        own: dict[str, Any] = {name: found.arrays[name] for name in (*_ROWS, "trail")}
        slots = [found.arrays[f"slot{i}"] for i in range(len(found.arrays) - len(own))]
        counted = from_json(_Counts, {name: found.facts[name] for name in _COUNTS}, no_array)
        here = SearchState(slots=slots, **own, **vars(counted) | {"notes": [*counted.notes]})
        _check(here)
    except (KeyError, InputError) as error:
        raise checkpoints.damaged() from error
    if found.note:
        here.notes = [*here.notes, found.note]
    return here

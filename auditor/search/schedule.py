"""How a search goes from round to round: what is kept, what a norm costs, who leaves, when to end.

The cost moves as in the code of Wang et al. 2019: twice as much after so many rounds of success in
a row, 2^1.5 times less after as many of failure.
"""

import numpy as np
from numpy.typing import NDArray

from auditor.search.options import SearchOptions
from auditor.search.outliers import outliers
from auditor.search.state import SearchState

DEARER, CHEAPER = 2.0, 2.0**1.5
WARM_UP = 8
"""Rounds in which a first stamp is found: until then failure does not lower the cost."""

STEADY = 8
"""Rounds over which a norm, or the verdict, must have stayed as it was."""

SAME = 0.02
"""Share by which a norm may still fall in `STEADY` rounds without falling."""

LEAVING = 0.25
"""Share of the classes at work that leave together: every other number is compiled anew."""

CONVERGED = "its norm fell no further"
ENDED = "the last round"
SETTLED = "no class's verdict changed any more"


def keep(
    state: SearchState,
    success: NDArray[np.float64],
    norm: NDArray[np.float64],
    options: SearchOptions,
) -> None:
    """Take in one round's outcome: keep smaller masks that succeed, and move the cost.

    Args:
        state: The classes; those that are active are changed.
        success: (k,) share of the round's stamped images that were led to the class.
        norm: (k,) L1 norm of the mask after the round.
        options: The wanted success, and the patience.
    """
    active, won = state.active, success >= options.success
    better = active & won & (norm < state.norm)
    state.norm[better] = norm[better]
    state.mask[better] = _sigmoid(state.slots[0][better])[..., 0]
    state.pattern[better] = 255 * _sigmoid(state.slots[1][better])
    state.success[active] = success[active]
    state.taken[active] += 1
    state.trail = np.concatenate([state.trail, state.norm[None]])
    lost = ~won & (state.round >= WARM_UP)
    state.wins, state.losses = np.where(won, state.wins + 1, 0), np.where(lost, state.losses + 1, 0)
    raised, lowered = state.wins >= options.patience, state.losses >= options.patience
    state.cost[active & raised] *= DEARER
    state.cost[active & lowered] /= CHEAPER
    state.wins[raised], state.losses[lowered] = 0, 0


def release(state: SearchState) -> None:
    """Let classes leave whose norm falls no further, once they are worth compiling anew."""
    if len(state.trail) <= STEADY:
        return
    then = state.trail[-1 - STEADY]
    still = np.isfinite(then) & (state.norm >= (1 - SAME) * then)
    leaving = state.active & still
    if leaving.sum() >= LEAVING * state.active.sum():
        state.active[leaving] = False


def settled(state: SearchState, area: int) -> bool:
    """Whether the verdict has been the same for long enough, and no class is near the threshold."""
    if len(state.trail) <= WARM_UP + STEADY or np.isinf(state.trail[-1 - STEADY]).mean() > 0.5:
        return False
    seen = [outliers(norms, area) for norms in state.trail[-1 - STEADY :]]
    same = all((one.small == seen[-1].small).all() for one in seen)
    return same and not any(one.near.any() for one in (seen[0], seen[-1]))


def promising(state: SearchState, count: int, area: int) -> NDArray[np.int64]:
    """Return the rows to go on with after a first pass, in rising order: the smallest stamps.

    A class whose stamp has not succeeded yet counts as large as what it still misses is.
    """
    size = np.where(np.isfinite(state.norm), state.norm, area * (2 - state.success))
    return np.sort(np.argsort(size, kind="stable")[:count]).astype(np.int64)


def _sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-values)), np.float32)

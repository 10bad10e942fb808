"""How many clean images a repair may use, and which are left to judge it by."""

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, sample
from auditor.errors import UsageError
from auditor.text import counted, printable

FEWEST = 40
"""Clean images below which nothing can be trained and judged."""


def budgeted(dataset: Dataset, budget: float | None, seed: int) -> NDArray[np.int64]:
    """Return the positions of the images that may be used, class by class.

    Args:
        dataset: Where from.
        budget: A fraction up to 1, a number above 1; None for all.
        seed: Of the draw.

    Raises:
        UsageError: The budget is too small.
    """
    total = len(dataset)
    wanted = total if budget is None else round(budget * total) if budget <= 1 else int(budget)
    if wanted < FEWEST:
        raise UsageError(
            f"--clean-budget: {wanted} of the {counted(total, 'image')} of "
            f"{printable(dataset.source)}; at least {FEWEST} are needed"
        )
    return sample(dataset, wanted, seed)


def rest(dataset: Dataset, budget: float, seed: int) -> NDArray[np.int64]:
    """Return the positions that `budgeted` leaves.

    Raises:
        UsageError: The budget is too small, or leaves too few.
    """
    left = np.setdiff1d(np.arange(len(dataset)), budgeted(dataset, budget, seed))
    if len(left) < FEWEST:
        raise UsageError(
            f"--clean-budget: leaves {len(left)} of the {counted(len(dataset), 'image')} of "
            f"{printable(dataset.source)} to judge the repair by; give others with --eval-data"
        )
    return left

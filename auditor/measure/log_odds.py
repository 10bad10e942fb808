"""Whether the one number that a model gives is the log-odds of class 1, as it is taken for.

The file does not say: a network that estimates a quantity is built alike. Its answers do. One that
was taught 0 and 1 as quantities tells them apart at 0.5, and not at 0.
"""

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.figures.metrics import balanced
from auditor.figures.results import Balanced

_TAUGHT_AS_NUMBERS = 0.5
_BETTER = 0.1


def check_log_odds(labels: NDArray[np.int64], numbers: NDArray[np.float32], source: str) -> None:
    """Stop where another cutoff than 0 is surely better, by much, and training explains it not.

    A classifier whose classes were unlike in number may have a better cutoff, too: it is refused
    only where that is 0.5, or where it says the same class of every image.

    Args:
        labels: (n,) of images as they are.
        numbers: (n,) what the model gives for them.
        source: Where they are from, for the error.

    Raises:
        InputError: Names both shares and the cutoff.
    """
    here = _share(labels, numbers, 0.0)
    if here is None or here.classes < 2 or not np.isfinite(numbers).all():
        return
    cutoffs = [_TAUGHT_AS_NUMBERS]
    if len(np.unique(numbers > 0)) == 1:
        order = np.argsort(labels, kind="stable")  # half of each class is read, half is judged
        cutoffs.append(_middle(labels[order[::2]], numbers[order[::2]]))
        labels, numbers = labels[order[1::2]], numbers[order[1::2]]
    tried = [(found, at) for at in cutoffs if (found := _share(labels, numbers, at)) is not None]
    best, cutoff = max(tried, key=lambda pair: pair[0].value, default=(here, 0.0))
    if best.low > here.high and best.value >= here.value + _BETTER:
        raise InputError(
            f"{source}: the one number that the model gives, taken for the log-odds of class 1, "
            f"tells {100 * here.value:.1f} % of each class, but {100 * best.value:.1f} % where it "
            f"is held against {cutoff:.3g} in place of 0: it estimates a quantity, or takes "
            "another --input-range; train it with BinaryCrossentropy(from_logits=True), or with a "
            "sigmoid at its end"
        )


def _share(
    labels: NDArray[np.int64], numbers: NDArray[np.float32], cutoff: float
) -> Balanced | None:
    """Return the share of each class that is right, on average; None where it is not defined."""
    found = balanced((numbers > cutoff) == labels, labels)
    return found if isinstance(found, Balanced) else None


def _middle(labels: NDArray[np.int64], numbers: NDArray[np.float32]) -> float:
    """Return the middle between what both classes get."""
    means = [float(numbers[labels == c].mean()) if (labels == c).any() else 0.0 for c in (0, 1)]
    return sum(means) / 2
